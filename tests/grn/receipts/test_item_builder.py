"""Quantities that are derived from the rolls of a fabric item."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import json_body, rejected_fields

INVOICES = "/api/invoices"


class TestDerivedQuantities:
    def test_with_kilograms_the_weights_are_summed(self, clerk: FlaskClient) -> None:
        rolls = [a_roll(100, supplierWeight="20.25"), a_roll(90, supplierWeight=19.5), a_roll(80)]
        item = a_fabric_item(uomLength="kilogram", grnQty=5, supplierRollList=rolls)
        [item] = json_body(clerk.post(INVOICES, json=a_receipt(item)), 201)["fabricItemList"]
        assert (item["grnQty"], item["rollCount"]) == (39.75, 3)
        assert item["supplierRollList"][0]["weight"] == 20.25

    @pytest.mark.parametrize("rolls", [[], None, [{"supplierRollNo": "R1"}]])
    def test_without_a_measured_roll_the_sent_quantity_stays(self, clerk: FlaskClient, rolls: Any) -> None:
        item = a_fabric_item(grnQty=777.5, supplierRollList=rolls)
        [item] = json_body(clerk.post(INVOICES, json=a_receipt(item)), 201)["fabricItemList"]
        assert item["grnQty"] == 777.5

    def test_a_sum_that_cannot_be_stored_is_refused(self, clerk: FlaskClient) -> None:
        item = a_fabric_item(999_999_999_999, 999_999_999_999)
        assert rejected_fields(clerk.post(INVOICES, json=a_receipt(item))) == {
            "fabricItemList[0].grnQty": 1999999999998.0
        }

    def test_decimals_are_exact(self, clerk: FlaskClient) -> None:
        item = a_fabric_item(*[0.1] * 10)
        assert json_body(clerk.post(INVOICES, json=a_receipt(item)), 201)["fabricItemList"][0]["grnQty"] == 1.0
