"""Identifiers of goods receipts and master data: invisible ends make no second row, and filters find the clean one."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.factories import a_fabric_item, a_receipt, a_roll
from tests.grn.helpers import error_body, json_body

SPELLINGS = ("{} ", "\t{}\r\n", "{}\u00a0", "{}\u200b", "\ufeff{}")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_texts_are_stored_clean_and_found(clerk: FlaskClient, spelling: str) -> None:
    roll = a_roll(supplierRollNo=spelling.format("R 1"), factoryRollNo=spelling.format("007/r 1"))
    item: dict[str, Any] = a_fabric_item() | {
        "grn": spelling.format("GRN-1"),
        "color": spelling.format("Blue"),
        "externalOrderIds": f"{spelling.format('O1')},{spelling.format('O2')}",
        "supplierRollList": [roll],
    }
    sent = a_receipt(item, externalId=spelling.format("X-1"), invoiceNo=spelling.format("I-1"))
    stored = json_body(clerk.post("/api/invoices", json=sent), 201)
    [stored_item] = stored["fabricItemList"]
    assert (stored["externalId"], stored["invoiceNo"]) == ("X-1", "I-1")
    assert (stored_item["grn"], stored_item["color"], stored_item["externalOrderIds"]) == ("GRN-1", "Blue", "O1,O2")
    [stored_roll] = stored_item["supplierRollList"]
    assert (stored_roll["supplierRollNo"], stored_roll["factoryRollNo"]) == ("R 1", "007/r 1")
    again = error_body(clerk.post("/api/invoices", json={**sent, "externalId": "X-1"}), 409, 40901)
    assert again["id"] == stored["id"]
    wanted = {"externalId": "X-1", "grn": "GRN-1", "rollNo": "007/r 1", "externalOrderId": "O2", "search": "I-1"}
    for name, value in wanted.items():
        page = json_body(clerk.get("/api/invoices", query_string={name: spelling.format(value)}))
        assert [receipt["id"] for receipt in page["content"]] == [stored["id"]], name
    deleted = clerk.delete("/api/invoices", query_string={"externalId": spelling.format("X-1")})
    assert deleted.status_code == 204


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_master_data_has_one_row_for_all_spellings(clerk: FlaskClient, spelling: str) -> None:
    json_body(clerk.post("/api/suppliers", json={"externalId": "MILL-7", "name": "Mill"}), 201)
    error_body(clerk.post("/api/suppliers", json={"externalId": spelling.format("MILL-7"), "name": "Mill"}), 409, 40901)


def test_empty_metadata_of_php_is_an_empty_object(clerk: FlaskClient) -> None:
    assert json_body(clerk.post("/api/invoices", json=a_receipt(metadata=[])), 201)["metadata"] == {}
