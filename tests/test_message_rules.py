"""Texts of refusals: each is marked by ``N_``, values come by ``Message``; decision 19 says why."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from marshmallow import ValidationError

import app.factory
from app.kernel.errors import Refusal
from app.kernel.outbound.ssrf import AddressError

ROOT = Path(__file__).resolve().parents[1]
#: Pages have gettext; the launcher and the environment's settings speak before there is a language; the offline
#: verifier is a file of its own.
_SETTINGS = {"config.py", "config_values.py", "redis_servers.py", "storage_settings.py"}
_OTHER_TEXTS = {"admin", "local", "offline"} | _SETTINGS
MODULES = sorted(
    path
    for path in (ROOT / "app").rglob("*.py")
    if not _OTHER_TEXTS.intersection(path.relative_to(ROOT / "app").parts) and path.stem != "samples"
)
_CLASS_TEXTS = re.compile(r"(default_)?(error_)?messages?|message_\w+")
_SENTENCE = re.compile(r"\S.* .*[.!?:]$", re.DOTALL)
_VALIDATORS = {"Length", "Range", "OneOf", "Regexp"}
_EXAMPLES = {"example", "examples", "metadata", "description", "EXAMPLE_INVALID", "_EXAMPLE"}


def refusing() -> frozenset[str]:
    """The names of everything that a text is refused with."""
    waiting: list[type] = [Refusal, ValidationError, AddressError]
    found = set[type]()
    while waiting:
        kind = waiting.pop()
        found.add(kind)
        waiting += kind.__subclasses__()
    return frozenset(kind.__name__ for kind in found)


def bare_texts(tree: ast.Module, names: frozenset[str]) -> list[str]:
    """Line and text of what stands where a refusal's text belongs and is no message."""
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    examples = {
        id(part)
        for node in ast.walk(tree)
        if (isinstance(node, ast.keyword) and node.arg in _EXAMPLES)
        or (isinstance(node, ast.Assign) and {_name(target) for target in node.targets} & _EXAMPLES)
        for part in ast.walk(node.value)
    }
    found = set()
    for place, anything in _places(tree, names):
        for leaf in _leaves(constants.get(place.id, place) if isinstance(place, ast.Name) else place):
            text = _text(leaf)
            if " " in text and (anything or _SENTENCE.match(text)) and id(leaf) not in examples:
                found.add((leaf.lineno, text))
    return [f"{line}: {text}" for line, text in sorted(found)]


def _places(tree: ast.Module, names: frozenset[str]) -> Iterator[tuple[ast.expr, bool]]:
    """Where texts of refusals stand; with false, only what reads like a sentence is one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from ((value, True) for value in _class_texts(node))
            if {_name(base) for base in node.bases} & names:
                yield from ((part, True) for call in _calls(node, {"__init__"}) for part in _parts(call))
                yield from ((value, True) for value in _assigned(node, "sentence"))
        elif isinstance(node, ast.Call) and _name(node.func) in names:
            yield from ((part, True) for part in _parts(node))
        elif isinstance(node, ast.Call) and _name(node.func) in _VALIDATORS:
            yield from ((keyword.value, True) for keyword in node.keywords if keyword.arg == "error")
        elif isinstance(node, ast.List):
            yield node, False
        elif isinstance(node, ast.Yield) and node.value:
            yield node.value, False
        elif isinstance(node, ast.Call) and _name(node.func) == "append":
            yield from ((part, False) for part in node.args)


def _class_texts(node: ast.ClassDef) -> Iterator[ast.expr]:
    for statement in node.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and statement.value:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if any(_CLASS_TEXTS.fullmatch(_name(target)) for target in targets):
                yield statement.value


def _assigned(node: ast.ClassDef, name: str) -> Iterator[ast.expr]:
    for statement in ast.walk(node):
        if isinstance(statement, ast.Assign) and name in map(_name, statement.targets):
            yield statement.value


def _calls(node: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    yield from (call for call in ast.walk(node) if isinstance(call, ast.Call) and _name(call.func) in names)


def _parts(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords if keyword.arg in {"message", "errors"})


def _leaves(part: ast.expr) -> Iterator[ast.expr]:
    """Texts within lists, tuples and mappings, for field errors mirror the payload."""
    if isinstance(part, ast.Dict):
        inside = part.values
    elif isinstance(part, ast.DictComp):
        inside = [part.value]
    elif isinstance(part, ast.List | ast.Tuple):
        inside = part.elts
    elif isinstance(part, ast.ListComp | ast.GeneratorExp):
        inside = [part.elt]
    elif isinstance(part, ast.IfExp):
        inside = [part.body, part.orelse]
    else:
        yield part
        return
    for one in inside:
        yield from _leaves(one)


def _text(part: ast.expr) -> str:
    if isinstance(part, ast.JoinedStr):
        return "".join(value.value if isinstance(value, ast.Constant) else "{}" for value in part.values)
    return part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else ""


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def test_every_text_of_a_refusal_is_a_message() -> None:
    assert app.factory  # it loads every module, so that every class is known
    names = refusing()
    bare = [
        f"{path.relative_to(ROOT)}:{fault}"
        for path in MODULES
        for fault in bare_texts(ast.parse(path.read_text()), names)
    ]
    assert not bare, "mark these by N_, and give values by Message"


@pytest.mark.parametrize(
    "code",
    [
        'class Gone(NotFound):\n    message = "It is gone."',
        'class Full(Conflict):\n    def __init__(self, n):\n        super().__init__(f"{n} are full")',
        'class Small(Field):\n    default_error_messages = {"low": "At least {low}."}',
        'raise Invalid({"name": {0: ["Say it."]}})',
        '_RULE = "Say it."\nraise Invalid({"name": _RULE})\nraise NotFound(_RULE)',
        'def f():\n    yield 0, {"item": [f"Only {left} left."]}',
        'faults[3] = {"item": ["Only one."]}',
        'faults.append(f"Row {row} is wrong.")',
        'x = validators.Length(1, error="Send {min} items.")',
        'raise ValidationError("Too small here", "size")',
    ],
)
def test_a_bare_text_is_found(code: str) -> None:
    assert bare_texts(ast.parse(code), refusing())


def test_a_message_is_none() -> None:
    refused = 'raise Invalid({"x": [Message(N_("At least %(n)s."), n=1)]})'
    code = f'class Gone(NotFound):\n    message = N_("It is gone.")\n{refused}'
    assert not bare_texts(ast.parse(code), refusing())


def test_validators_of_marshmallow_that_format_are_the_hubs_own() -> None:
    direct = re.compile(r"\bvalidate\.(Length|Range|OneOf)\(")
    found = [path for path in MODULES if direct.search(path.read_text())]
    assert not found, "take them from app.kernel.schemas.validators"
