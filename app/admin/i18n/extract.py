"""The catalogue of translations: what the pages say, collected from the code; ``make words`` brings it up to date."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages import mofile, pofile
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from marshmallow.validate import Length

from app.accounts.modules import MODULES
from app.accounts.roles import ABILITIES

APP = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parents[1] / "translations"
#: Every other language than English, in which the code speaks.
LANGUAGES = ("tr",)
_KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
}
#: What is assigned to these, or given to these, is said to people.
_NAMES = frozenset({"message", "sentence", "error_messages", "default_error_messages"})
_SAID_BY = frozenset({"error", "reason"})
_REFUSING = frozenset(
    {"Invalid", "BadFields", "ValidationError", "Refused", "Unresolved", "ProviderRejected", "__init__"}
)
_NO_DATE = datetime(2026, 1, 1, tzinfo=UTC)


def collected() -> Catalog:
    """Everything that a page may say, as it stands in the code now."""
    catalog = Catalog()
    for path in sorted(APP.glob("admin/**/*.py")):
        _extract(catalog, "python", path)
    for path in sorted(APP.glob("admin/templates/**/*.html")):
        _extract(catalog, "jinja2", path)
    for path in sorted(APP.glob("*/**/*.py")):
        for sentence in refusals(ast.parse(path.read_text())):
            catalog.add(sentence)
    # What the code names once and shows in more places than pages, and what its library says of lengths.
    lengths = (Length.message_min, Length.message_max, Length.message_all)
    for sentence in (*ABILITIES.values(), *MODULES.values(), *lengths):
        catalog.add(sentence)
    return catalog


def refusals(tree: ast.Module) -> Iterator[str]:
    """The sentences of refusals, which pages show too; a value in one of them is a name in braces."""
    for node in ast.walk(tree):
        for part in _places(node):
            yield from (text for text in map(_sentence, _leaves(part)) if " " in text)


def _places(node: ast.AST) -> Iterator[ast.AST]:
    """Where sentences stand: messages of classes, of fields and of validators, and what refusals are raised with."""
    if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.expr):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (node.value for target in targets if _name(target) in _NAMES)
    elif isinstance(node, ast.Call) and _name(node.func) in _REFUSING:
        yield from node.args
    elif isinstance(node, ast.keyword) and node.arg in _SAID_BY:
        yield node.value
    elif isinstance(node, ast.Yield) and node.value:
        yield from (part for part in ast.walk(node.value) if isinstance(part, ast.Dict | ast.List))


def _leaves(part: ast.AST) -> Iterator[ast.AST]:
    """Texts and f-strings, within lists and mappings too, for field errors mirror the payload."""
    if isinstance(part, ast.Dict):
        yield from (leaf for value in part.values for leaf in _leaves(value))
    elif isinstance(part, ast.List | ast.Tuple):
        yield from (leaf for value in part.elts for leaf in _leaves(value))
    elif isinstance(part, ast.IfExp):
        yield from (*_leaves(part.body), *_leaves(part.orelse))
    else:
        yield part


def _sentence(part: ast.AST) -> str:
    if isinstance(part, ast.JoinedStr):
        return "".join(_sentence(value) for value in part.values)
    if isinstance(part, ast.FormattedValue):
        called = {id(call.func) for call in ast.walk(part) if isinstance(call, ast.Call)}
        names = (node.id for node in ast.walk(part) if isinstance(node, ast.Name) and id(node) not in called)
        return f"{{{next(names)}}}"
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


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


if __name__ == "__main__":
    update()
