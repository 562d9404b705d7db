"""Translations: nothing that a page says is missing in another language, and what is compiled is what is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
from babel.messages import mofile
from babel.messages.catalog import Catalog, Message

from app.admin.i18n import extract

_PLACEHOLDER = re.compile(r"%\(\w+\)\w|\{\w*\}")


def texts(message: Message) -> Iterator[tuple[str, str]]:
    """Each form of a sentence with its translation."""
    ids = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string)
    for place, string in enumerate(strings):
        yield ids[min(place, len(ids) - 1)], string


def spoken(catalog: Catalog) -> list[tuple[str, str]]:
    """Everything with its translation, in an order of its own."""
    return sorted(pair for message in catalog if message.id for pair in texts(message))


@pytest.mark.parametrize("language", extract.LANGUAGES)
class TestCatalogue:
    def test_everything_is_translated(self, language: str) -> None:
        stored = extract.read(language)
        missing = []
        for message in extract.collected():
            known = stored.get(message.id) if message.id else message
            if message.id and (known is None or known.fuzzy or not all(text for _, text in texts(known))):
                missing.append(message.id)
        assert not missing, "say it in the catalogue, then: make words"

    def test_nothing_is_left_over(self, language: str) -> None:
        said = {message.id for message in extract.collected()}
        assert not [message.id for message in extract.read(language) if message.id not in said]

    def test_names_in_a_sentence_are_kept(self, language: str) -> None:
        for message in extract.read(language):
            for english, other in texts(message):
                assert set(_PLACEHOLDER.findall(english)) == set(_PLACEHOLDER.findall(other)), english

    def test_what_is_compiled_is_what_is_written(self, language: str) -> None:
        with extract._path(language, "mo").open("rb") as file:
            compiled = mofile.read_mo(file)
        assert spoken(compiled) == spoken(extract.read(language)), "make words"


def test_refusals_are_collected_from_the_code() -> None:
    tree = ast.parse(
        'class Gone(NotFound):\n    message = "It is gone."\n'
        "class Full(Conflict):\n    def __init__(self, names):\n"
        "        super().__init__(f\"{names[0]} and {', '.join(others)} are full.\")\n"
        'class Small(Field):\n    default_error_messages = {"low": "At least {low}."}\n'
        'def f():\n    raise Invalid({"name": {0: ["Say it."]}})\n    raise Other(["Not this."])\n'
        'def g():\n    yield 0, {"item": [f"Only {plain(left)} left."]}\n'
    )
    assert set(extract.refusals(tree)) == {
        "It is gone.",
        "{names} and {others} are full.",
        "At least {low}.",
        "Say it.",
        "Only {left} left.",
    }
