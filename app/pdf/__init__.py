"""Floor 2: HTML templates become PDFs that are the same bytes wherever they are made, and open nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Histogram

# Only who renders loads WeasyPrint: it takes half a second and tens of megabytes, of every web process too.
RENDER_SECONDS = Histogram(
    "hub_pdf_render_seconds",
    "How long PDFs took to make.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100),
)
FAILED_RENDERINGS = Counter("hub_pdf_render_failures_total", "PDFs that could not be made.")


def render(folder: Path, template: str, data: Mapping[str, Any]) -> bytes:
    """A PDF of a template in ``folder``; see ``rendering.render``."""
    from app.pdf import renderer  # noqa: PLC0415

    with RENDER_SECONDS.time(), FAILED_RENDERINGS.count_exceptions():
        return renderer.render(folder, template, data)


def merge_parts(parts: Sequence[bytes], numbered: str | None) -> bytes:
    """Parts as one PDF; see ``binding.bound``."""
    from app.pdf import merge  # noqa: PLC0415

    return merge.merge_parts(parts, numbered)
