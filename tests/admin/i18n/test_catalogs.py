"""Catalogs: every text of the code is translated in every language, nothing is left over, placeholders agree."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages import pofile
from babel.messages.catalog import Catalog, Message

from app.admin.i18n import catalogs
from app.einvoices.pdf import translations as einvoice_words
from app.grn.papers import translations as paper_words
from app.languages import LANGUAGES

_PLACEHOLDER = re.compile(r"%\(\w+\)\w|\{\w*\}")


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    template = tmp_path_factory.mktemp("texts") / "messages.pot"
    catalogs.extract(template)
    return read(template)


def read(path: Path, language: str | None = None) -> Catalog:
    with path.open("rb") as file:
        return pofile.read_po(file, locale=language)


def ids(catalog: Catalog) -> set[str | tuple[str, ...]]:
    return {tuple(message.id) if isinstance(message.id, list) else message.id for message in catalog if message.id}


def pairs(message: Message) -> Iterator[tuple[str, str]]:
    """Each form of a text with its translation."""
    texts = [message.id] if isinstance(message.id, str) else list(message.id)
    strings = [message.string] if isinstance(message.string, str) else list(message.string)
    for place, string in enumerate(strings):
        yield texts[min(place, len(texts) - 1)], string


@pytest.mark.slow
def test_texts_of_all_kinds_are_extracted(extracted: Catalog) -> None:
    assert {
        "Sign in",  # a template
        "Invoice not found.",  # the message of a class
        "Use 1 to %(n)s years.",  # a value
        "This field is required.",  # a field
        "Send %(min)s to %(max)s items.",  # a validator
        "The receiver answered 410 Gone: it wants nothing more.",  # a stored reason
        "Read the events of the domains that you may read: their log and live stream.",  # an ability
    } <= ids(extracted)


@pytest.mark.parametrize("language", catalogs.translated())
class TestCatalog:
    def test_everything_is_translated(self, language: str, extracted: Catalog) -> None:
        stored = read(catalogs.path_of(language), language)
        assert ids(extracted) <= ids(stored), "make words"
        bare = [m.id for m in stored if m.id and (m.fuzzy or not all(text for _, text in pairs(m)))]
        assert not bare, f"translate these in {catalogs.path_of(language)}"

    def test_nothing_is_left_over(self, language: str, extracted: Catalog) -> None:
        assert ids(read(catalogs.path_of(language), language)) <= ids(extracted), "make words"

    def test_placeholders_agree(self, language: str) -> None:
        for message in read(catalogs.path_of(language), language):
            for english, other in pairs(message):
                assert sorted(_PLACEHOLDER.findall(english)) == sorted(_PLACEHOLDER.findall(other)), english

    def test_it_is_sorted_and_has_no_places_and_no_dates(self, language: str) -> None:
        path = catalogs.path_of(language)
        found = [m.id if isinstance(m.id, str) else m.id[0] for m in read(path, language) if m.id]
        assert found == sorted(found)
        assert not re.search(r"^#[:,]? .*\.(py|html)|POT-Creation-Date", path.read_text(), re.MULTILINE)


def test_what_is_printed_is_printed_in_every_language() -> None:
    assert einvoice_words.LABELS.keys() == paper_words.LABELS.keys() == LANGUAGES.keys()
