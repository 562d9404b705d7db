"""Demo data of goods receipts."""

from __future__ import annotations

from flask.testing import FlaskClient

from app.grn.demo import make_demo
from app.kernel.unit_of_work import unit_of_work
from tests.grn.helpers import json_body, row_counts

INVOICES = "/api/invoices"


def test_demo_data_is_created_once(clerk: FlaskClient) -> None:
    before = row_counts()
    with unit_of_work():
        assert not make_demo()
    assert row_counts() == before
    assert json_body(clerk.get(f"{INVOICES}/1"))["fabricItemList"][0]["id"] == 26
