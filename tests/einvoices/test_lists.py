"""Lists and detail as the e-invoice document has them, and walks that miss nothing while others write."""

from __future__ import annotations

import random
import threading
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.models import einvoices as einvoice_models
from app.einvoices.queries import change_clock, lookup, search, tallies
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.conftest import URL, issued, made, verb

ITEM = {
    "id", "invoice_no", "status", "type", "issued_at", "marketplace", "marketplace_order_no", "buyer", "totals",
    "provider", "provider_status", "provider_invoice_id", "pdf_url", "updated_at", "metadata",
}  # fmt: skip

#: Seconds after which a change shows up with ``updated_since``, when nobody is at work on another one.
SETTLING = 0.08


def listed(client: FlaskClient, **query: Any) -> dict[str, Any]:
    answer = client.get(URL, query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


def ids(page: dict[str, Any]) -> list[int]:
    return [row["id"] for row in page["data"]]


def test_a_page_is_as_documented(owner: FlaskClient) -> None:
    all_ids = [made(owner)["id"] for _ in range(3)]
    page = listed(owner, per_page=2, page=1)
    assert ids(page) == all_ids[:0:-1]
    meta = {"current_page": 1, "per_page": 2, "total": 3, "last_page": 2}
    assert meta.items() <= page["meta"].items()
    assert page["data"][0].keys() == ITEM
    assert page["data"][0]["buyer"].keys() == {"name", "email", "phone"}
    assert ids(listed(owner, per_page=2, page=2)) == all_ids[:1]
    assert listed(owner, page=9)["data"] == []


def test_an_empty_list_has_one_page(owner: FlaskClient) -> None:
    meta = {"current_page": 1, "per_page": 20, "total": 0, "last_page": 1, "next_cursor": None}
    assert listed(owner) == {"data": [], "meta": meta}


def test_filters(owner: FlaskClient) -> None:
    sale = issued(owner, marketplace="n11")
    note = verb(owner, sale["id"], "returns", {"reason": "x"})
    draft = made(owner, marketplace=None)
    assert ids(listed(owner, status="issued")) == [sale["id"]]
    assert ids(listed(owner, type="return")) == [note["id"]]
    assert ids(listed(owner, marketplace="n11")) == [note["id"], sale["id"]]
    page = listed(owner, status="draft", marketplace="n11")
    assert (ids(page), page["meta"]["total"]) == ([note["id"]], 1)
    assert listed(owner)["meta"]["total"] == 3
    time.sleep(SETTLING)
    assert draft["id"] in ids(listed(owner, updated_since="2020-01-01"))
    assert ids(listed(owner, updated_since="2999-01-01T00:00:00+03:00")) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"per_page": 0}, "per_page"),
        ({"per_page": 101}, "per_page"),
        ({"page": 0}, "page"),
        ({"updated_since": "yesterday"}, "updated_since"),
        ({"updated_since": "2026-02-30"}, "updated_since"),
        ({"status": "open"}, "status"),
        ({"cursor": "!!"}, "cursor"),
        ({"cursor": "MS4x"}, "cursor"),
        ({"colour": "red"}, "colour"),
        ({"search": "x" * 101}, "search"),
    ],
)
def test_a_faulty_query_is_422(owner: FlaskClient, query: dict[str, Any], field: str) -> None:
    answer = owner.get(URL, query_string=query)
    assert answer.status_code == 422
    assert field in answer.json["errors"]


@pytest.mark.parametrize("words", ["ayşe", "YIL", "EA-2026", "ea 0000", "shop.example", "ty order", "12345"])
def test_search_finds_by_beginnings_of_words(owner: FlaskClient, words: str) -> None:
    with db.engine.connect() as connection:
        year = connection.scalar(text("SELECT extract(year FROM now())::int"))
    buyer = {"name": "Ayşe Yılmaz", "email": "a@shop.example", "tax_id": "12345678901"}
    found = issued(owner, buyer=buyer, marketplace_order_no="TY-ORDER-001")
    made(owner, buyer={"name": "Somebody else"})
    page = listed(owner, search=words.replace("2026", str(year)))
    assert (ids(page), page["meta"]["total"]) == ([found["id"]], 1)


@pytest.mark.parametrize("typed", ["AB-12/7", "ab-12", " Ab-12/7 ", "B.12@Shop.example", "b.12@shop"])
def test_a_whole_identifier_names_its_einvoice_before_words_do(owner: FlaskClient, typed: str) -> None:
    named = made(owner, marketplace_order_no="AB-12/7", buyer={"name": "Ayşe", "email": "B.12@shop.example"})
    alike = made(owner, marketplace_order_no="7", buyer={"name": "AB Ltd. 12", "email": "12@b.shop.example"})
    page = listed(owner, search=typed)
    assert (ids(page), page["meta"]["total"]) == ([named["id"]], 1)
    assert ids(listed(owner, search=typed, status="issued")) == []
    assert ids(listed(owner, search="ab 12 7")) == [alike["id"], named["id"]]
    assert ids(listed(owner, search="12-ltd")) == [alike["id"]]
    time.sleep(SETTLING)
    assert ids(listed(owner, search=typed, updated_since="2020-01-01")) == [named["id"]]


def test_identifiers_are_found_by_their_index(app: Hub) -> None:
    """It serves exactly the expression that it was made of; any other reads the whole table."""
    with db.engine.connect() as connection:
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        asked = text(
            f"EXPLAIN SELECT id FROM e_invoices WHERE {einvoice_models.IDENTIFIERS} @@ CAST(:typed AS tsquery)"
        )
        plan = " ".join(connection.scalars(asked, {"typed": "'ea-1':*"}))
    assert "ix_e_invoices_identifiers" in plan


def test_names_with_hyphens_are_words(owner: FlaskClient) -> None:
    fan = made(owner, buyer={"name": "Somebody", "email": "al-noor.fan@x.example"})
    pharmacy = made(owner, buyer={"name": "Al-Noor Pharmacy"})
    assert ids(listed(owner, search="al-noor")) == [pharmacy["id"], fan["id"]]


def test_an_identifier_of_others_names_nothing(owner: FlaskClient, owner_as: Callable[..., FlaskClient]) -> None:
    made(owner_as(), marketplace_order_no="AB-12")
    mine = made(owner, buyer={"name": "AB Ltd. 12"})
    assert ids(listed(owner, search="AB-12")) == [mine["id"]]


def test_what_many_identifiers_begin_with_finds_all(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MAX_RESOLVED", 2)
    all_ids = [made(owner, marketplace_order_no=f"TY-4{number}")["id"] for number in range(3)]
    assert ids(listed(owner, search="ty-4")) == all_ids[::-1]
    assert ids(listed(owner, search="ty-41")) == [all_ids[1]]


@pytest.mark.parametrize("typed", ["%", "-", "_", '"', "☺", "- /"])
def test_a_search_without_letters_or_digits_finds_nothing(owner: FlaskClient, typed: str) -> None:
    made(owner)
    assert ids(listed(owner, search=typed)) == []
    assert len(ids(listed(owner, search=" "))) == 1


def test_accents_that_a_keyboard_sends_apart_find_the_same(owner: FlaskClient) -> None:
    found = made(owner, buyer={"name": "Çiğdem Şti."})
    assert ids(listed(owner, search=unicodedata.normalize("NFD", "çiğdem şti"))) == [found["id"]]


@pytest.mark.parametrize(
    "words", ["'", "a & !b", ":*", "\\", "%", "x' | 'y", "<->", "o'b", "a\\-1", "a-'b", "a|b", "a-\\'1"]
)
def test_search_takes_anything(owner: FlaskClient, words: str) -> None:
    made(owner)
    assert owner.get(URL, query_string={"search": words}).status_code == 200


def test_a_cursor_walks_everything_once(owner: FlaskClient) -> None:
    all_ids = [made(owner)["id"] for _ in range(7)]
    seen, cursor = [], ""
    while cursor is not None:
        page = listed(owner, cursor=cursor, per_page=3)
        assert page["meta"]["total"] is None
        seen += ids(page)
        cursor = page["meta"]["next_cursor"]
        made(owner)
    assert seen == all_ids[::-1]


def test_a_detail_shows_what_was_asked_for(owner: FlaskClient) -> None:
    einvoice = issued(owner)
    path = f"{URL}/{einvoice['id']}"
    plain = owner.get(path).json
    assert "items" in plain
    assert "events" not in plain
    both = owner.get(f"{path}?include_items=1&include_events=1").json
    assert [event["type"] for event in both["events"]] == ["created", "issued"]
    assert set(both["events"][0]) == {"id", "type", "payload", "created_at"}
    item = {"id", "sku", "name", "quantity", "unit_price", "vat_rate", "vat_amount", "discount_amount", "total"}
    assert set(both["items"][0]) == item
    assert "items" not in owner.get(f"{path}?include_items=false").json
    assert owner.get(f"{path}?include_items=maybe").status_code == 422


def test_totals_stay_right_whatever_happens(owner: FlaskClient, owner_as: Callable[..., FlaskClient]) -> None:
    other, admin = owner_as(), owner_as("admin")
    made(other)
    for number in range(12):
        einvoice = made(owner, marketplace=("a", "b", None)[number % 3])
        if number % 2:
            verb(owner, einvoice["id"], "issue")
        if number == 6:
            tallies.compact()
        owner.patch(f"{URL}/{einvoice['id']}", json={"marketplace": "c"})
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM e_invoices WHERE id = 2"))
    before = tallies.compact()
    assert before
    assert listed(owner)["meta"]["total"] == len(listed(owner, cursor="", per_page=100)["data"])
    for query in ({"status": "issued"}, {"marketplace": "c"}, {"status": "draft", "marketplace": "b"}):
        assert listed(owner, **query)["meta"]["total"] == len(listed(owner, per_page=100, **query)["data"])
    assert listed(other)["meta"]["total"] == 1
    assert listed(admin)["meta"]["total"] == listed(owner)["meta"]["total"] + 1


def test_a_change_that_commits_late_is_not_passed_over(owner: FlaskClient) -> None:
    """One is stamped first and commits last; who asks in between waits for neither and misses neither."""
    early, late = made(owner), made(owner)
    since = listed(owner)["data"][0]["updated_at"]
    stamped, go_on = threading.Event(), threading.Event()

    def slow_change() -> None:
        with owner.application.app_context(), unit_of_work():
            values = {"moment": change_clock.stamp(), "id": early["id"]}
            db.session.execute(
                text("UPDATE e_invoices SET notes = 'slow', updated_at = :moment WHERE id = :id"), values
            )
            stamped.set()
            assert go_on.wait(20)

    with ThreadPoolExecutor() as pool:
        slow = pool.submit(slow_change)
        assert stamped.wait(20)
        owner.patch(f"{URL}/{late['id']}", json={"notes": "fast"})
        between = listed(owner, updated_since=since)
        go_on.set()
        slow.result()
    marks = [row["updated_at"] for row in between["data"]] or [since]
    time.sleep(SETTLING)
    after = listed(owner, updated_since=max(marks))
    assert set(ids(between)) | set(ids(after)) >= {early["id"], late["id"]}
    assert early["id"] in ids(after)


@pytest.mark.parametrize("few", [2, 4, 100])
def test_changes_are_counted_exactly_however_many(
    owner: FlaskClient, owner_as: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(lookup, "_CHEAP_COUNT", few)
    issued(owner_as())
    for number in range(6):
        (made, issued)[number % 2](owner, marketplace=("a", "b", None)[number % 3])
    moments = sorted(row["updated_at"] for row in listed(owner)["data"])
    time.sleep(SETTLING)
    for since in moments:
        for more in ({}, {"status": "draft"}, {"marketplace": "a"}, {"search": "ay"}):
            query = {"updated_since": since, **more}
            everything = listed(owner, cursor="", per_page=100, **query)["data"]
            assert listed(owner, **query)["meta"]["total"] == len(everything)


@pytest.mark.parametrize("leaves_on", [1, 2, 3])
def test_what_leaves_the_filters_pushes_nothing_past_a_walker(owner: FlaskClient, leaves_on: int) -> None:
    all_ids = [issued(owner)["id"] for _ in range(9)]
    time.sleep(SETTLING)
    seen: list[int] = []
    page, last = 1, 1
    while page <= last:
        answer = listed(owner, updated_since="2020-01-01", status="issued", per_page=2, page=page)
        seen += ids(answer)
        last = answer["meta"]["last_page"]
        if page == leaves_on:
            for leaving in seen[:3]:
                owner.post(f"{URL}/{leaving}/cancel", json={"reason": "x"})
        page += 1
    assert set(seen) == set(all_ids)
    assert listed(owner, updated_since="2020-01-01", status="issued")["meta"]["total"] == 9 - min(3, 2 * leaves_on)


def test_a_walker_sees_every_change_while_others_write(owner: FlaskClient) -> None:
    all_ids = [made(owner)["id"] for _ in range(25)]
    done, last = threading.Event(), {}
    guard = threading.Lock()

    def write(number: int) -> None:
        chance = random.Random(number)
        for turn in range(40):
            chosen = chance.choice(all_ids)
            answer = owner.patch(f"{URL}/{chosen}", json={"notes": f"{number}.{turn}"})
            with guard:
                moment = answer.json["updated_at"]
                last[chosen] = max(last.get(chosen, ("", "")), (moment, answer.json["updated_at"]))

    seen: dict[int, set[str]] = {}
    mark = "2020-01-01T00:00:00Z"

    def walk() -> None:
        nonlocal mark
        newest, page = mark, 1
        while True:
            answer = listed(owner, updated_since=mark, per_page=7, page=page)
            for row in answer["data"]:
                seen.setdefault(row["id"], set()).add(row["updated_at"])
                newest = max(newest, row["updated_at"])
            if page >= answer["meta"]["last_page"]:
                break
            page += 1
        mark = newest

    def walk_until_done() -> None:
        while not done.is_set():
            walk()

    with ThreadPoolExecutor() as pool:
        walker = pool.submit(walk_until_done)
        list(pool.map(write, range(4)))
        done.set()
        walker.result()
    time.sleep(SETTLING)
    walk()
    missed = {number: moments for number, moments in last.items() if moments[1] not in seen.get(number, set())}
    assert not missed


class TestModule:
    def test_without_it_nothing_opens(self, client_as: Callable[..., FlaskClient]) -> None:
        client = client_as("integrator")
        refusal = {
            "message": "This module is not enabled for your account.",
            "error": "MODULE_NOT_ENABLED",
            "module": "feature.einvoice_api",
        }
        for answer in (client.get(URL), client.get(f"{URL}/1"), client.post(URL, json={}), client.get(f"{URL}/1/pdf")):
            assert (answer.status_code, answer.json) == (403, refusal)

    def test_every_route_asks_for_it(self, owner: FlaskClient) -> None:
        app = owner.application
        rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(URL)]
        assert len(rules) >= 10
        for rule in rules:
            view = app.view_functions[rule.endpoint].view_class
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert getattr(view, method.lower()).module == "feature.einvoice_api", rule.rule

    def test_without_a_credential_it_is_401(self, anybody: FlaskClient) -> None:
        answer = anybody.get(URL)
        assert (answer.status_code, answer.json) == (401, {"message": "Unauthenticated."})


def test_every_failure_speaks_the_documents_envelope(owner: FlaskClient, erp: FlaskClient) -> None:
    assert owner.get(f"{URL}/{2**70}").json == {"message": "Not Found."}
    assert owner.delete(URL).status_code == 405
    assert set(owner.delete(URL).json) == {"message"}
    assert owner.post(URL, data="{", content_type="application/json").status_code == 400
    assert owner.post(URL, data="x", content_type="text/plain").status_code == 415
    assert erp.get(URL).json == {"message": "This action is unauthorized."}
