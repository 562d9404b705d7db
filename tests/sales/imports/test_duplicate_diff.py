"""A second import of a number: refused, with the fields that differ from the stored invoice."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.extensions import db
from tests.factories import a_sale
from tests.sales.conftest import IMPORT


class TestASecondImport:
    def test_of_a_known_number_writes_nothing_that_must_be_taken_back(self, erp: FlaskClient) -> None:
        drawn = text("SELECT last_value FROM pg_sequences WHERE sequencename LIKE 'sales_invoices%'")
        sale = a_sale()
        seen = []
        for _ in range(2):
            erp.post(IMPORT, json=sale)
            with db.engine.connect() as connection:
                seen.append(connection.scalar(drawn))
        assert seen == [1, 1]

    @pytest.mark.parametrize(
        ("facts", "differences"),
        [
            ({"invoice_date": "2025-01-19"}, ["invoice_date"]),
            ({"priority": "LOW", "remarks": "x"}, ["priority", "remarks"]),
            ({"salesman": None}, ["salesman"]),
            ({"Total": 920}, ["Total"]),
            ({"metadata": {"a": 1}}, ["metadata"]),
            ({"items": []}, ["items"]),
        ],
    )
    def test_says_what_differs(self, erp: FlaskClient, facts: dict[str, Any], differences: list[str]) -> None:
        sale = a_sale()
        made = erp.post(IMPORT, json=sale)
        again = sale | ({"items": sale["items"][:1]} if "items" in facts else facts)
        answer = erp.post(IMPORT, json=again)
        assert answer.status_code == 409
        assert answer.json["data"] == {
            "id": made.json["data"]["id"],
            "invoice_no": sale["invoice_no"],
            "identical": False,
            "differences": differences,
        }

    def test_names_the_item_and_the_customers_field(self, erp: FlaskClient) -> None:
        sale = a_sale()
        erp.post(IMPORT, json=sale)
        sale["items"][1] |= {"mrp": 84.99, "batch_no": "B2"}
        sale["customer"] |= {"area": "Kozhikode"}
        assert erp.post(IMPORT, json=sale).json["data"]["differences"] == [
            "customer.area",
            "items.1.mrp",
            "items.1.batch_no",
        ]

    @pytest.mark.parametrize("facts", [{"salesman": "Ajay"}, {"Total": "920.00"}, {"metadata": {"a": [1.5, None]}}])
    def test_written_otherwise_is_the_same(self, erp: FlaskClient, facts: dict[str, Any]) -> None:
        sale = a_sale(**facts)
        erp.post(IMPORT, json=sale)
        sale["items"][0] |= {"mrp": "3.50", "quantity": 20.0, "remarks": "", "expiry_date": None}
        sale["customer"].pop("phone1")
        assert erp.post(IMPORT, json=sale).json["data"]["identical"] is True
