"""Floor 2: HTML templates become PDFs that are the same bytes wherever they are made, and open nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def render(folder: Path, template: str, data: Mapping[str, Any]) -> bytes:
    """A PDF of a template in ``folder``; see ``rendering.render``."""
    # Only who renders loads WeasyPrint: it takes half a second and tens of megabytes, of every web process too.
    from app.pdf import rendering  # noqa: PLC0415

    return rendering.render(folder, template, data)
