"""Hostile values and concurrent requests: every answer has the error envelope of this API, none is a 500."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.grn import samples
from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import json_body, row_counts

HOSTILE_VALUES: tuple[Any, ...] = (
    None,
    True,
    [],
    {},
    [None],
    "",
    " ",
    "x" * 5_000,
    "\0",
    "２",
    "NaN",
    "1e999999999",
    -1,
    0,
    0.0000001,
    2**63,
    10**40,
    253402300800000,
    -(10**15) * 86_400_000,
)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, below in steps:
        yield (*path, step)
        yield from _paths(below, (*path, step))


def _with_value(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(payload)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return changed


RECEIPT = a_receipt(
    a_fabric_item(
        serial=1,
        orderId=10,
        externalOrderIds="1",
        grnDate="2024-01-01",
        blanketQty=1,
        supplierRollList=[a_roll(9, length=8, weight=1, gsm=1, blanketQty=1, shade="A", metadata={"a": 1})],
        metadata={"a": 1},
    ),
    externalId=None,
    invoiceDate="2024-01-01",
    erpInvoiceNo="E",
)
#: A payload of PUT with the ids of stored items and rolls.
CHANGE = {
    **a_receipt(externalId=None),
    "id": 1,
    "fabricItemList": [
        {
            "id": 26,
            "fabricId": 1,
            "color": "Blue",
            "orderQty": 1,
            "orderingWidth": 1,
            "invoiceQty": 1,
            "grn": "G",
            "supplierRollList": [{"id": 1, "supplierRollNo": "R100"}],
        }
    ],
}


@pytest.mark.drill
@pytest.mark.parametrize(
    ("method", "path", "payload"),
    [
        ("POST", "/api/invoices", RECEIPT),
        ("PUT", "/api/invoices/1", CHANGE),
        ("PUT", "/api/invoices/1/fabric-items/26/ledgers", samples.ASSOCIATION),
        ("POST", "/api/invoices/1/fabric-items/26/ledgers", samples.ENTRY),
        ("PATCH", "/api/invoices/1/fabric-items/26/rolls/1", samples.INSPECTION),
        ("PUT", "/api/orders/10", samples.ORDER),
        ("POST", "/api/fabrics", {name: value for name, value in samples.FABRIC.items() if name != "id"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_values_are_accepted_or_refused(clerk: FlaskClient, method: str, path: str, payload: Any) -> None:
    for place in _paths(payload):
        for value in HOSTILE_VALUES:
            sent = json.dumps(_with_value(payload, place, value))
            answer = clerk.open(path, method=method, data=sent, content_type="application/json")
            assert answer.status_code in {200, 201, 400, 404, 409}, (place, value, answer.data)
            if answer.status_code >= 400:
                assert json_body(answer, answer.status_code)["status"] == answer.status_code


@pytest.mark.parametrize("value", ["%00", "-1", "9" * 40, "NaN", "%F0%9F%A7%B5", "%", "x" * 300, ""])
def test_hostile_queries_are_accepted_or_refused(clerk: FlaskClient, value: str) -> None:
    names = [
        "page",
        "pageSize",
        "sort",
        "externalId",
        "supplierId",
        "invoiceNo",
        "erpInvoiceNo",
        "grn",
        "fabricId",
        "color",
        "orderId",
        "externalOrderId",
        "warehouse",
        "rollNo",
        "grnDateFrom",
        "grnDateTo",
        "createdFrom",
        "createdTo",
        "search",
    ]
    for name in names:
        assert clerk.get(f"/api/invoices?{name}={value}").status_code in {200, 400}, name
    for name in ("page", "sort", "externalId", "code", "search"):
        assert clerk.get(f"/api/orders?{name}={value}").status_code in {200, 400}, name


def test_concurrent_requests_on_one_receipt(clerk: FlaskClient) -> None:
    item = "/api/invoices/1/fabric-items/26"
    rolls = {"supplierRollList": [a_roll(5, supplierRollNo="R100"), a_roll(6)]}
    read = json_body(clerk.get("/api/invoices/1"))
    calls: list[Callable[[], Any]] = [
        lambda: clerk.put(f"{item}/rolls", json=rolls),
        lambda: clerk.patch(f"{item}/rolls/1", json={"blanketQty": 0.5}),
        lambda: clerk.put(f"{item}/ledgers", json=samples.ASSOCIATION),
        lambda: clerk.post(f"{item}/ledgers", json=samples.ENTRY),
        lambda: clerk.put("/api/invoices/1", json=read),
        lambda: clerk.put("/api/orders/10", json=samples.ORDER),
        lambda: clerk.get("/api/invoices/1"),
    ]
    with ThreadPoolExecutor(12) as pool:
        answers = [future.result() for future in [pool.submit(call) for call in calls * 4]]
        assert {answer.status_code for answer in answers} <= {200, 201, 400, 404}
        deletes = [pool.submit(clerk.delete, "/api/invoices/1") for _ in range(4)]
        others = [pool.submit(call) for call in calls]
        statuses = sorted(future.result().status_code for future in deletes)
        assert statuses == [204, 404, 404, 404]
        assert {future.result().status_code for future in others} <= {200, 201, 400, 404}
    assert set(row_counts().values()) == {0}
