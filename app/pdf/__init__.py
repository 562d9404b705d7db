"""PDFs from HTML templates: rendering, merging, storage and the print queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prometheus_client import Counter, Histogram

# ``renderer`` and ``merge`` are imported on first use: WeasyPrint needs half a second and tens of megabytes, which web
# processes can save.
RENDER_SECONDS = Histogram(
    "hub_pdf_render_seconds",
    "How long the rendering of PDFs took.",
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 100),
)
FAILED_RENDERINGS = Counter("hub_pdf_render_failures_total", "PDFs that could not be rendered.")


def render(folder: Path, template: str, data: Mapping[str, Any]) -> bytes:
    """A PDF of a template in ``folder``; see ``renderer.render``."""
    from app.pdf import renderer  # noqa: PLC0415

    with RENDER_SECONDS.time(), FAILED_RENDERINGS.count_exceptions():
        return renderer.render(folder, template, data)


def merge_parts(parts: Sequence[bytes], numbered: str | None) -> bytes:
    """Merge parts to one PDF; see ``merge.merge_parts``."""
    from app.pdf import merge  # noqa: PLC0415

    return merge.merge_parts(parts, numbered)
