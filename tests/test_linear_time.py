"""No regular expression of the application takes more than linear time, whatever text a caller sends."""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import pytest

from app.kernel.log_redaction import mask_text
from tests.timing import assert_linear

ROOT = Path(__file__).resolve().parents[1]
#: Programs that see no text of a caller; some of them do something when they are imported.
PROGRAMS = {
    "__main__.py",
    "flower_settings.py",
    "fork_server.py",
    "gunicorn.py",
    "migrate_and_seed.py",
    "vendor_assets.py",
}
MODULES = [path for path in sorted((ROOT / "app").rglob("*.py")) if path.name not in PROGRAMS]
METHODS = frozenset({"match", "fullmatch", "search", "findall", "finditer", "split", "sub", "subn"})
#: Characters of a hostile text, and seconds that a linear search of it may take before it is measured closely.
SIZE, SUSPICIOUS = 4000, 0.005
#: What stands before and behind the repeated part: the end makes most matches fail as late as possible.
STARTS, ENDS = ("", "a", "1", "@"), ("", "\0", "!")


class Use(NamedTuple):
    """A pattern, and a method by which the application applies it."""

    place: str
    pattern: re.Pattern[Any]
    method: str


def _compiled_patterns() -> Iterator[tuple[str, str, re.Pattern[Any]]]:
    """Module, name and pattern of all expressions that the application's modules and their classes hold."""
    for path in MODULES:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        classes = [value for value in vars(module).values() if isinstance(value, type)]
        for holder in (module, *(one for one in classes if one.__module__ == module.__name__)):
            for attribute, value in vars(holder).items():
                if isinstance(value, re.Pattern):
                    yield module.__name__, attribute, value


def _calls() -> Iterator[tuple[str, ast.Call, str]]:
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
                yield str(path.relative_to(ROOT)), node, node.func.attr


def _uses() -> list[Use]:
    methods: dict[str, set[str]] = {}
    found = []
    for place, call, method in _calls():
        holder = call.func.value  # type: ignore[attr-defined]
        name = getattr(holder, "attr", getattr(holder, "id", ""))
        methods.setdefault(name, set()).add(method)
        if name == "re" and isinstance(call.args[0], ast.Constant):
            found.append(Use(place, re.compile(call.args[0].value), method))
    for module, name, pattern in _compiled_patterns():
        # Without a known use it may be searched for, which is the hardest: the match may begin anywhere.
        found += [Use(f"{module}.{name}", pattern, method) for method in methods.get(name) or {"search"}]
    return found


def _units(pattern: re.Pattern[Any]) -> list[str]:
    """Texts whose repetition may be hostile: the literals of the pattern, and one text of each kind of character."""
    text = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin1")
    literals: list[str] = []

    def collect(node: Any) -> None:
        if isinstance(node, _parser.SubPattern):
            run = "".join(chr(value) if str(kind) == "LITERAL" else "\n" for kind, value in node.data)
            literals.extend(part for part in run.split("\n") if part)
        if isinstance(node, list | tuple | _parser.SubPattern):
            for below in node:
                collect(below)
        if isinstance(node, tuple) and node and str(node[0]) in {"LITERAL", "NOT_LITERAL"}:
            literals.append(chr(node[1]))

    collect(_parser.parse(text, pattern.flags & ~re.UNICODE))
    marks = [literal for literal in dict.fromkeys(literals) if len(literal) > 1 or not literal.isalnum()]
    return [*dict.fromkeys([*marks, "a", "1", " ", "-", "@", "\n", '"'])][:16]


def _texts(pattern: re.Pattern[Any], size: int) -> Iterator[Any]:
    for first, second, start, end in product(units := _units(pattern), ["", *units], STARTS, ENDS):
        unit = first + second
        text = start + unit * (size // len(unit)) + end
        yield text.encode("latin1", "replace") if isinstance(pattern.pattern, bytes) else text


def _apply(use: Use, text: Any) -> None:
    method = getattr(use.pattern, use.method)
    if use.method in {"sub", "subn"}:
        method(text[:0], text)
    elif use.method == "finditer":
        for _match in method(text):
            pass
    else:
        method(text)


def _seconds(use: Use, text: Any) -> float:
    started = time.process_time()
    _apply(use, text)
    return time.process_time() - started


@pytest.mark.slow
def test_the_patterns_of_the_application_are_found() -> None:
    found = _uses()
    places = {use.place.rsplit(".", 1)[-1] for use in found}
    assert {"_PATTERNS", "_IDENTIFIER", "_TOTALS", "_TOKEN", "_VALUE"} <= places
    assert len(found) > 40


@pytest.mark.slow
def test_each_pattern_takes_linear_time() -> None:
    """Each text is tried once; of the slow ones half, the whole and the double are compared."""
    for use in _uses():
        suspicious = (text for text in _texts(use.pattern, SIZE) if _seconds(use, text) > SUSPICIOUS)
        for text in islice(suspicious, 20):
            part = text[: len(text) // 2]
            try:
                assert_linear(lambda sent, use=use: _apply(use, sent), lambda times, part=part: part * times, 1)
            except AssertionError as error:
                error.add_note(f"{use.place}, {use.method}: {use.pattern.pattern!r}")
                raise


@pytest.mark.parametrize(
    "unit", ["a-", "a", "eyJ-", "eyJa.", "a://", "x://y:z", "a@", "a@b-", "Basic ", "ihub_a/", "-."]
)
def test_masking_takes_linear_time(unit: str) -> None:
    assert_linear(mask_text, lambda size: "@_eyJ " + unit * size, 1000)
