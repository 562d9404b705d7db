"""Copies the styles, scripts and icons of npm packages to ``static/vendor``; the set-up and the image build run it.

``package-lock.json`` pins the packages by version and hash; git ignores the copies.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENDOR = Path(__file__).parent / "static" / "vendor"
#: Name below ``static/vendor`` and path below ``node_modules``.
FILES = {
    "pico.css": "@picocss/pico/css/pico.jade.min.css",
    "htmx.js": "htmx.org/dist/htmx.min.js",
}
#: Icons of the pages, by their names in Lucide.
ICONS = (
    "activity",
    "check",
    "circle-alert",
    "circle-check",
    "circle-question-mark",
    "circle-user-round",
    "columns-3",
    "copy",
    "database",
    "download",
    "external-link",
    "file-check-2",
    "history",
    "inbox",
    "info",
    "key-round",
    "key-square",
    "languages",
    "layout-dashboard",
    "log-out",
    "menu",
    "package-open",
    "plug",
    "plus",
    "puzzle",
    "receipt-text",
    "refresh-cw",
    "scroll-text",
    "search",
    "shield-check",
    "spool",
    "store",
    "triangle-alert",
    "truck",
    "undo-2",
    "upload",
    "users",
    "webhook",
    "x",
)
_LICENCES = ("@picocss/pico/LICENSE.md", "htmx.org/LICENSE", "lucide-static/LICENSE")
_STROKE = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'


def copy_assets(packages: Path, target: Path) -> None:
    """Fill ``target`` from the folder ``node_modules``; an earlier content of ``target`` is replaced.

    Raises:
        OSError: a package is not installed.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name, source in FILES.items():
        shutil.copyfile(packages / source, target / name)
    symbols = [_symbol(name, (packages / f"lucide-static/icons/{name}.svg").read_text()) for name in ICONS]
    sprite = "\n".join(('<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>", ""))
    (target / "icons.svg").write_text(sprite)
    licences = [f"{source}\n\n{(packages / source).read_text().strip()}\n" for source in _LICENCES]
    (target / "LICENCES.txt").write_text("\n\n".join(licences))


def _symbol(name: str, svg: str) -> str:
    """An SVG file as a symbol that ``<use href="icons.svg#name">`` shows."""
    drawing = re.sub(r"<!--.*?-->|</?svg[^>]*>", "", svg, flags=re.DOTALL)
    return f'<symbol id="{name}" viewBox="0 0 24 24" {_STROKE}>{" ".join(drawing.split())}</symbol>'


if __name__ == "__main__":
    try:
        copy_assets(ROOT / "node_modules", VENDOR)
    except OSError as error:
        sys.exit(f"The npm packages of package-lock.json are not installed: {error}")
