"""The list of rolls of all receipts: its filters, its order, and the count of many hits."""

from __future__ import annotations

from typing import Any

import pytest

from app.grn.receipts import packing_list, roll_list
from app.grn.schemas.filters import RollFilters
from app.kernel.http.app import Hub
from app.kernel.pagination.walk import Count, Place
from app.kernel.unit_of_work import unit_of_work
from tests.admin.sample_data import receive_goods
from tests.factories import a_fabric_item


@pytest.fixture
def rolls(app: Hub) -> dict[str, Any]:
    """Rolls of two receipts; the first of the second receipt is inspected."""
    first = a_fabric_item(supplierRollList=[{"supplierRollNo": "R-1", "supplierLength": 5}], color="Blue")
    numbers = [
        {"supplierRollNo": "R-2", "factoryRollNo": "F_9", "supplierLength": 5},
        {"supplierRollNo": "X-1", "supplierLength": 5},
    ]
    second = a_fabric_item(supplierRollList=numbers, color="Red", warehouse="North")
    receive_goods(fabricItemList=[first])
    receipt = receive_goods(fabricItemList=[second])
    item = receipt.fabric_items[0]
    with unit_of_work():
        packing_list.inspect(receipt.id, item.id, item.rolls[0].id, {"inspected_length": 4}, actor="a test")
    return {"fabric_id": item.fabric_id}


def found(sort: str = "number", **filters: str) -> list[str]:
    """Numbers of the rolls that match, without those of the demo data."""
    source = roll_list.source(RollFilters().load(filters))
    page = source.page(sort, Place(50))
    assert source.count() == Count(len(page.rows))
    return [roll.supplier_roll_no for roll in page.rows if roll.supplier_roll_no in {"R-1", "R-2", "X-1"}]


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, ["R-1", "R-2", "X-1"]),
        ({"search": "r-"}, ["R-1", "R-2"]),
        ({"search": "f_"}, ["R-2"]),
        ({"search": "f-9"}, []),
        ({"search": "-1"}, []),
        ({"color": "blue"}, ["R-1"]),
        ({"warehouse": "NORTH"}, ["R-2", "X-1"]),
        ({"fabric": "cotton"}, ["R-1", "R-2", "X-1"]),
        ({"fabric": "tw-"}, ["R-1", "R-2", "X-1"]),
        ({"fabric": "silk"}, []),
        ({"state": "inspected"}, ["R-2"]),
        ({"state": "waiting"}, ["R-1", "X-1"]),
        ({"state": "waiting", "search": "r", "color": "red"}, []),
        ({"state": "waiting", "search": "x", "color": "red"}, ["X-1"]),
    ],
)
def test_filters(rolls: dict[str, Any], filters: dict[str, str], numbers: list[str]) -> None:
    assert found(**filters) == numbers


def test_newest_first(rolls: dict[str, Any]) -> None:
    assert found("-created") == ["X-1", "R-2", "R-1"]


@pytest.mark.parametrize("limit", ["MAX_RESOLVED", "MAX_SORTED"])
def test_many_fabrics_items_or_rolls_are_found_too(
    rolls: dict[str, Any], monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(roll_list, limit, 0)
    assert found(fabric="cotton", color="red") == ["R-2", "X-1"]
    assert found(fabric="silk") == []


def test_many_numbers_with_the_same_beginning_are_not_counted(
    rolls: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roll_list, "COUNT_LIMIT", 1)
    source = roll_list.source(RollFilters().load({"search": "r-"}))
    assert source.count() == Count(1, exact=False)
    assert [roll.supplier_roll_no for roll in source.page("-created", Place(1)).rows] == ["R-2"]
    assert roll_list.source(RollFilters().load({"search": "r-2"})).count() == Count(1)
