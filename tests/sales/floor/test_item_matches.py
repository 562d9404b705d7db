"""Corrections of invoices with one item in several batches or lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import an_item
from tests.sales.conftest import UPDATE

Make = Callable[..., dict[str, Any]]


def a_batch(batch_no: str, quantity: int, **facts: Any) -> dict[str, Any]:
    """A line of the item of ``patch-same-item-in-two-batches.sh``."""
    item = {"item_code": "PR650", "barcode": "8901", "batch_no": batch_no, "quantity": quantity}
    return an_item(**{**item, **facts})


def two_batches() -> list[dict[str, Any]]:
    return [a_batch("B1", 20), a_batch("B2", 10, mrp=3.6)]


def corrected(
    erp: FlaskClient, invoice: dict[str, Any], *items: dict[str, Any], **facts: Any
) -> list[tuple[int, str, int]]:
    answer = erp.patch(UPDATE, json={"invoice_no": invoice["invoice_no"], "items": [*items], **facts})
    assert answer.status_code == 200, answer.text
    return [(item["line_no"], item["batch_no"], item["quantity"]) for item in answer.json["data"]["items"]]


def errors(erp: FlaskClient, invoice: dict[str, Any], *items: dict[str, Any]) -> Any:
    answer = erp.patch(UPDATE, json={"invoice_no": invoice["invoice_no"], "items": [*items]})
    assert answer.status_code == 400
    return answer.json["errors"]["items"]


KEYS = [{"item_code": "PR650", "barcode": "8901"}, {"item_code": "PR650"}, {"barcode": "8901"}]


@pytest.mark.parametrize("key", KEYS)
def test_the_batch_tells_which_line_is_meant(erp: FlaskClient, in_review: Make, key: dict[str, str]) -> None:
    invoice = in_review(items=two_batches())
    assert corrected(erp, invoice, {**key, "batch_no": "B2\u200b", "quantity": 8}) == [(1, "B1", 20), (2, "B2", 8)]


@pytest.mark.parametrize("replace", [True, False])
def test_the_same_lines_sent_again_are_matched_in_any_order(erp: FlaskClient, in_review: Make, replace: bool) -> None:
    invoice = in_review(items=two_batches())
    again = [a_batch("B2", 9), a_batch("B1", 19)]
    assert corrected(erp, invoice, *again, replace_items=replace) == [(1, "B1", 19), (2, "B2", 9)]


def test_without_a_batch_the_order_of_lines_decides(erp: FlaskClient, in_review: Make) -> None:
    invoice = in_review(items=two_batches())
    sent = ({"item_code": "PR650", "quantity": 1}, {"item_code": "PR650", "quantity": 2})
    assert corrected(erp, invoice, *sent) == [(1, "B1", 1), (2, "B2", 2)]


def test_a_known_batch_chooses_before_the_order(erp: FlaskClient, in_review: Make) -> None:
    invoice = in_review(items=two_batches())
    sent = ({"item_code": "PR650", "batch_no": "B3"}, {"item_code": "PR650", "batch_no": "B1", "quantity": 5})
    assert corrected(erp, invoice, *sent) == [(1, "B1", 5), (2, "B3", 10)]


def test_two_lines_of_one_batch_are_matched_in_their_order(erp: FlaskClient, in_review: Make) -> None:
    invoice = in_review(items=[a_batch("B1", 20), a_batch("B1", 10)])
    sent = (a_batch("B1", 7), a_batch("B1", 3))
    assert corrected(erp, invoice, *sent, replace_items=True) == [(1, "B1", 7), (2, "B1", 3)]


def test_a_further_batch_of_an_item_becomes_a_line(erp: FlaskClient, in_review: Make) -> None:
    invoice = in_review(items=[a_batch("B1", 20)])
    assert corrected(erp, invoice, a_batch("B1", 15), a_batch("B2", 5)) == [(1, "B1", 15), (2, "B2", 5)]


def test_replacing_removes_the_batch_that_was_not_sent(erp: FlaskClient, in_review: Make) -> None:
    invoice = in_review(items=two_batches())
    assert corrected(erp, invoice, a_batch("B2", 30), replace_items=True) == [(2, "B2", 30)]


def test_replacing_takes_more_lines_than_there_were(erp: FlaskClient, in_review: Make) -> None:
    invoice = in_review(items=[a_batch("", 20)])
    sent = (a_batch("", 12), a_batch("", 8))
    assert corrected(erp, invoice, *sent, replace_items=True) == [(1, "", 12), (2, "", 8)]


@pytest.mark.parametrize(("sent", "asked"), [({"barcode": "8901"}, "item_code"), ({"item_code": "PR650"}, "barcode")])
def test_different_items_are_told_apart_by_what_was_not_sent(
    erp: FlaskClient, in_review: Make, sent: dict[str, str], asked: str
) -> None:
    other = {"item_code": "OTHER"} if asked == "item_code" else {"barcode": "OTHER"}
    invoice = in_review(items=[a_batch("B1", 1), a_batch("B2", 1, **other)])
    message = f"Matches 2 items of this invoice; send {asked} too."
    assert errors(erp, invoice, {**sent, "quantity": 2}) == {"0": {asked: [message]}}
    assert corrected(erp, invoice, {**sent, "quantity": 2, "batch_no": "B2"}) == [(1, "B1", 1), (2, "B2", 2)]
