"""Floor 2: HTML templates become PDFs that are the same bytes wherever they are made, and open nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

# Only who renders loads WeasyPrint: it takes half a second and tens of megabytes, of every web process too.


def render(folder: Path, template: str, data: Mapping[str, Any]) -> bytes:
    """A PDF of a template in ``folder``; see ``rendering.render``."""
    from app.pdf import rendering  # noqa: PLC0415

    return rendering.render(folder, template, data)


def bound(parts: Sequence[bytes], numbered: str | None) -> bytes:
    """Parts as one PDF; see ``binding.bound``."""
    from app.pdf import binding  # noqa: PLC0415

    return binding.bound(parts, numbered)
