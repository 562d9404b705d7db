"""The catalogue of translations: what the pages say, collected from the code; ``make words`` brings it up to date."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file

from app.accounts.abilities import ABILITIES
from app.accounts.modules import MODULES

APP = Path(__file__).resolve().parents[1]
FOLDER = Path(__file__).parent / "translations"
#: Every other language than English, in which the code speaks.
LANGUAGES = ("tr",)
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
}
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def collected() -> Catalog:
    """Everything that a page may say, as it stands in the code now."""
    catalog = Catalog()
    for path in sorted(APP.glob("admin/**/*.py")):
        _extract(catalog, "python", path)
    for path in sorted(APP.glob("admin/templates/**/*.html")):
        _extract(catalog, "jinja2", path)
    for path in sorted(APP.glob("*/*.py")):
        for sentence in refusals(ast.parse(path.read_text())):
            catalog.add(sentence)
    # What the code names once and shows in more places than pages.
    for sentence in (*ABILITIES.values(), *MODULES.values()):
        catalog.add(sentence)
    return catalog


def refusals(tree: ast.Module) -> Iterator[str]:
    """The sentences of refusals, which pages show too: messages of classes, and the field errors of ``Invalid``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from (text for part in node.body if (text := _message(part)))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Invalid":
            lists = (part for part in ast.walk(node) if isinstance(part, ast.List))
            yield from (str(text.value) for part in lists for text in part.elts if isinstance(text, ast.Constant))


def read(language: str) -> Catalog:
    """The stored catalogue of a language."""
    with _path(language, "po").open("rb") as file:
        return pofile.read_po(file, locale=language)


def update() -> None:
    """Take new sentences into every catalogue, drop those that nobody says any more, and compile."""
    for language in LANGUAGES:
        catalog = read(language) if _path(language, "po").exists() else Catalog(locale=language)
        catalog.update(collected(), no_fuzzy_matching=True)
        catalog.obsolete.clear()
        catalog.creation_date = catalog.revision_date = _NO_DATE
        with _path(language, "po").open("wb") as file:
            # Without header, places and dates: two branches that add sentences then merge by themselves.
            pofile.write_po(file, catalog, width=120, no_location=True, omit_header=True, sort_output=True)
        with _path(language, "mo").open("wb") as file:
            mofile.write_mo(file, catalog)


def _path(language: str, kind: str) -> Path:
    return FOLDER / language / "LC_MESSAGES" / f"messages.{kind}"


def _extract(catalog: Catalog, method: str, path: Path) -> None:
    options = {"trimmed": "true"} if method == "jinja2" else {}
    for _line, message, _comments, context in extract_from_file(method, path, keywords=_KEYWORDS, options=options):
        catalog.add(message, context=context)


def _message(part: ast.stmt) -> str:
    """The text of ``message = "…"``, with or without its type."""
    if not isinstance(part, ast.Assign | ast.AnnAssign) or not isinstance(part.value, ast.Constant):
        return ""
    names = part.targets if isinstance(part, ast.Assign) else [part.target]
    is_named = any(isinstance(name, ast.Name) and name.id == "message" for name in names)
    return str(part.value.value) if is_named else ""


if __name__ == "__main__":
    update()
