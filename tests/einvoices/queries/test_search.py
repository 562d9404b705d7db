"""Search of e-invoices by identifiers and words."""

from __future__ import annotations

import time
import unicodedata
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.models import einvoices as einvoice_models
from app.einvoices.queries import search
from app.extensions import db
from app.kernel.http.app import Hub
from tests.einvoices.helpers import SETTLE_SECONDS, URL, create_draft, create_issued, list_page, page_ids


@pytest.mark.parametrize("words", ["ayşe", "YIL", "EA-2026", "ea 0000", "shop.example", "ty order", "12345"])
def test_search_finds_by_prefixes_of_words(owner: FlaskClient, words: str) -> None:
    with db.engine.connect() as connection:
        year = connection.scalar(text("SELECT extract(year FROM now())::int"))
    buyer = {"name": "Ayşe Yılmaz", "address": "Kadıköy", "email": "a@shop.example", "tax_id": "12345678901"}
    found = create_issued(owner, buyer=buyer, marketplace_order_no="TY-ORDER-001")
    create_draft(owner, buyer={"name": "Somebody else"})
    page = list_page(owner, search=words.replace("2026", str(year)))
    assert (page_ids(page), page["meta"]["total"]) == ([found["id"]], 1)


@pytest.mark.parametrize("typed", ["AB-12/7", "ab-12", " Ab-12/7 ", "B.12@Shop.example", "b.12@shop"])
def test_an_identifier_match_has_priority_over_word_matches(owner: FlaskClient, typed: str) -> None:
    named = create_draft(owner, marketplace_order_no="AB-12/7", buyer={"name": "Ayşe", "email": "B.12@shop.example"})
    alike = create_draft(owner, marketplace_order_no="7", buyer={"name": "AB Ltd. 12", "email": "12@b.shop.example"})
    page = list_page(owner, search=typed)
    assert (page_ids(page), page["meta"]["total"]) == ([named["id"]], 1)
    assert page_ids(list_page(owner, search=typed, status="issued")) == []
    assert page_ids(list_page(owner, search="ab 12 7")) == [alike["id"], named["id"]]
    assert page_ids(list_page(owner, search="12-ltd")) == [alike["id"]]
    time.sleep(SETTLE_SECONDS)
    assert page_ids(list_page(owner, search=typed, updated_since="2020-01-01")) == [named["id"]]


def test_identifier_search_uses_its_index(app: Hub) -> None:
    """The index serves only the exact expression of its definition; a different one reads the whole table."""
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        query = text(
            f"EXPLAIN SELECT id FROM e_invoices WHERE {einvoice_models.IDENTIFIERS} @@ CAST(:typed AS tsquery)"
        )
        plan = " ".join(connection.scalars(query, {"typed": "'ea-1':*"}))
    assert "ix_e_invoices_identifiers" in plan


def test_names_with_hyphens_are_searched_as_words(owner: FlaskClient) -> None:
    fan = create_draft(owner, buyer={"name": "Somebody", "email": "al-noor.fan@x.example"})
    pharmacy = create_draft(owner, buyer={"name": "Al-Noor Pharmacy"})
    assert page_ids(list_page(owner, search="al-noor")) == [pharmacy["id"], fan["id"]]


def test_identifiers_of_other_owners_do_not_match(owner: FlaskClient, owner_as: Callable[..., FlaskClient]) -> None:
    create_draft(owner_as(), marketplace_order_no="AB-12")
    mine = create_draft(owner, buyer={"name": "AB Ltd. 12"})
    assert page_ids(list_page(owner, search="AB-12")) == [mine["id"]]


def test_a_prefix_of_many_identifiers_finds_all_of_them(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_RESOLVED", 2)
    all_ids = [create_draft(owner, marketplace_order_no=f"TY-4{number}")["id"] for number in range(3)]
    assert page_ids(list_page(owner, search="ty-4")) == all_ids[::-1]
    assert page_ids(list_page(owner, search="ty-41")) == [all_ids[1]]


@pytest.mark.parametrize("typed", ["%", "-", "_", '"', "☺", "- /"])
def test_a_search_without_letters_or_digits_finds_nothing(owner: FlaskClient, typed: str) -> None:
    create_draft(owner)
    assert page_ids(list_page(owner, search=typed)) == []
    assert len(page_ids(list_page(owner, search=" "))) == 1


def test_decomposed_accents_find_the_same(owner: FlaskClient) -> None:
    found = create_draft(owner, buyer={"name": "Çiğdem Şti."})
    assert page_ids(list_page(owner, search=unicodedata.normalize("NFD", "çiğdem şti"))) == [found["id"]]


@pytest.mark.parametrize(
    "words", ["'", "a & !b", ":*", "\\", "%", "x' | 'y", "<->", "o'b", "a\\-1", "a-'b", "a|b", "a-\\'1"]
)
def test_search_accepts_any_text(owner: FlaskClient, words: str) -> None:
    create_draft(owner)
    assert owner.get(URL, query_string={"search": words}).status_code == 200
