"""Bytes of answers: pages by cursor end early, pages by number are refused, and no row is skipped."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any
from weakref import WeakSet

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.accounts import modules
from app.extensions import db
from app.kernel.pagination import byte_limit
from app.kernel.unit_of_work import unit_of_work
from app.sales.api import bulk
from app.sales.models.invoices import SalesItem
from tests.einvoices.helpers import URL as EINVOICES
from tests.factories import a_sale, an_item
from tests.sales.helpers import imported

SALES, EVENTS, PULL = "/api/sales/invoices/", "/api/v1/events", "/api/v1/webhooks/endpoints"
Make = Callable[..., Any]


@pytest.fixture
def most(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Function that sets the bytes of a page."""
    return lambda size: monkeypatch.setattr(byte_limit, "MAX_MIB", size / 2**20)


def large_sales(client: FlaskClient, count: int, items: int = 10) -> list[str]:
    lines = [an_item(item_code=f"I{number}", barcode=f"B{number}") for number in range(items)]
    return [imported(client, items=lines) for _ in range(count)]


def walk(client: FlaskClient, path: str) -> list[list[str]]:
    pages = []
    following: str | None = path
    while following:
        page = client.get(following).json
        pages.append([one["invoice_no"] for one in page["results"]])
        following = page["next"]
    return pages


def test_a_page_by_cursor_ends_before_it_is_too_large(erp: FlaskClient, most: Make) -> None:
    numbers = large_sales(erp, 5)
    most(20_000)  # an invoice of ten items takes about 8,000
    pages = walk(erp, f"{SALES}?cursor=&page_size=5")
    assert list(chain(*pages)) == numbers[::-1]
    assert 1 < len(pages[0]) < 5
    most(1)
    assert [len(page) for page in walk(erp, f"{SALES}?cursor=&page_size=5")] == [1] * 5


def test_what_does_not_fit_is_not_loaded(erp: FlaskClient, most: Make) -> None:
    large_sales(erp, 5)
    loaded: list[int] = []
    most(1)
    event.listen(SalesItem, "load", lambda item, _context: loaded.append(item.id))
    db.session.remove()
    assert len(erp.get(f"{SALES}?cursor=&page_size=5").json["results"]) == 1
    assert 0 < len(loaded) <= 20


def test_a_page_by_number_is_refused_and_a_smaller_one_is_not(erp: FlaskClient, most: Make) -> None:
    numbers = large_sales(erp, 5)
    most(20_000)
    answer = erp.get(f"{SALES}?page_size=5")
    assert answer.status_code == 400
    assert answer.json["errors"]["page_size"][0].endswith("Use a smaller page_size.")
    assert list(chain(*walk(erp, f"{SALES}?page_size=1"))) == numbers[::-1]
    assert erp.get(f"{SALES}?page_size=1").json["count"] == 5


def test_the_queue_of_reviews_and_orders_have_the_same_limit(
    erp: FlaskClient, client_as: Make, client_with: Make, most: Make
) -> None:
    large_sales(erp, 3)
    clerk = client_with("grn:write")
    product = clerk.post("/api/products", json={"name": "Shirt"}).json["id"]
    line = {"productId": product, "style": "S", "orderQty": 1}
    for number in range(2):
        lines = [
            {**line, "color": f"C{row}", "partList": [{"partName": f"P{p}"} for p in range(9)]} for row in range(9)
        ]
        assert clerk.post("/api/orders", json={"name": f"O{number}", "flowInfoList": lines}).status_code == 201
    most(30_000)  # the parts alone take 80 × 500 bytes
    queue = client_as("warehouse").get("/api/sales/queues/picking/?page_size=3").json
    assert len(queue["results"]) == 3
    reader = client_with("grn:read")
    assert reader.get("/api/orders?pageSize=2").json["errors"][0]["field"] == "pageSize"
    assert len(reader.get("/api/orders?pageSize=1").json["content"][0]["flowInfoList"]) == 9
    most(1)
    queue = client_as("warehouse").get("/api/sales/queues/picking/?page_size=3").json
    assert (len(queue["results"]), bool(queue["next"])) == (1, True)


def test_the_log_ends_a_page_early_and_misses_nothing(
    erp: FlaskClient, client_with: Make, relayed: Callable[[], int], most: Make
) -> None:
    large_sales(erp, 5)
    relayed()
    reader = client_with("events:read")
    whole = reader.get(f"{EVENTS}?topics=sales.imported&limit=100").json
    most(2 * len(str(whole["data"][0])))
    found, after = [], 0
    while after < whole["meta"]["head"]:
        page = reader.get(f"{EVENTS}?topics=sales.imported&limit=100&after={after}").json
        assert 0 < len(page["data"]) < 5
        found += page["data"]
        after = page["meta"]["next_after"]
    assert found == whole["data"]


def test_a_pull_ends_a_page_early_and_misses_nothing(
    manager: FlaskClient, receiver: Any, subscribe: Make, create_einvoices: Make, most: Make
) -> None:
    endpoint = subscribe(receiver, user=manager.user)
    create_einvoices(4, user=manager.user)
    path = f"{PULL}/{endpoint.id}/events"
    whole = manager.get(path).json
    most(1)
    found, after = [], 0
    for _ in range(4):
        page = manager.get(f"{path}?after={after}").json
        assert len(page["data"]) == 1
        found += page["data"]
        after = page["meta"]["next_after"]
    assert found == whole["data"]


def test_a_bulk_answer_has_a_limit_of_errors(erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "_MOST_ERRORS", 6)
    wrong = [a_sale(items=[an_item(quantity=0, mrp=-1) for _ in range(2)]) for _ in range(4)]
    results = erp.post("/api/sales/import/invoices/", json=wrong).json["data"]["results"]
    shown = [sum(str(result["errors"]).count(word) for word in ("greater", "at least")) for result in results]
    assert shown == [4, 2, 1, 1]
    assert "more errors are not shown" in str(results[3]["errors"])


def test_a_long_history_shows_its_newest_part(admin: Any, create_einvoices: Make, most: Make) -> None:
    [einvoice] = create_einvoices(1, user=admin.user)
    with unit_of_work():
        modules.enable(admin.user, "feature.einvoice_api", actor="test")
    path = f"{EINVOICES}/{einvoice.id}"
    for number in range(3):
        body = {"provider_status": f"S{number}", "raw": {"text": "x" * 60_000}}
        assert admin.post(f"{path}/provider-status", json=body).status_code == 200
    most(100_000)
    events = admin.get(f"{path}?include_events=1").json["events"]
    assert [one["payload"]["provider_status"] for one in events] == ["S1", "S2"]


def most_items_at_once(work: Callable[[], Any]) -> int:
    """The most items that were in memory at once during ``work``."""
    here: WeakSet[SalesItem] = WeakSet()
    counts = [0]

    def note(item: SalesItem, _context: Any) -> None:
        here.add(item)
        counts.append(len(here))

    db.session.remove()
    gc.collect()
    event.listen(SalesItem, "load", note)
    try:
        work()
    finally:
        event.remove(SalesItem, "load", note)
    return max(counts)


@pytest.fixture
def eager_garbage_collection() -> Iterator[None]:
    """Collect garbage often: invoices and their items refer to each other."""
    before = gc.get_threshold()
    gc.set_threshold(50, 1, 1)
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("eager_garbage_collection")
@pytest.mark.parametrize("rows", ["items", "invoices"])
def test_an_export_loads_what_fits_at_a_time_and_misses_nothing(erp: FlaskClient, most: Make, rows: str) -> None:
    numbers = large_sales(erp, 12)
    path = f"/api/sales/export/?format=csv&rows={rows}"
    whole = erp.get(path).text
    assert all(number in whole for number in numbers)
    most(1)
    texts: list[str] = []
    assert 0 < most_items_at_once(lambda: texts.append(erp.get(path).text)) <= 60
    assert texts == [whole]


@pytest.mark.usefixtures("eager_garbage_collection")
def test_a_bulk_import_loads_as_many_known_invoices_at_a_time_as_fit(erp: FlaskClient, most: Make) -> None:
    numbers = large_sales(erp, 12)
    again = [a_sale(invoice_no=number) for number in (*numbers, numbers[0])]
    most(1)
    answers: list[Any] = []
    path = "/api/sales/import/invoices/"
    assert 0 < most_items_at_once(lambda: answers.append(erp.post(path, json=again).json["data"]["results"])) <= 60
    assert [(one["status"], one["invoice_no"]) for one in answers[0]] == [(409, one["invoice_no"]) for one in again]
