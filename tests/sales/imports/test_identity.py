"""Identity of imported invoices: invisible ends and spellings of a number or code make no second row."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.kernel.http.app import Hub
from app.sales.samples import PAYLOAD
from tests.factories import a_sale, an_item
from tests.sales.conftest import IMPORT, LIST, RETURN, UPDATE, counts, put

CASES = Path(__file__).resolve().parents[2] / "cases"
BULK = "/api/sales/import/invoices/"
#: The ends of ``numbers-and-codes-with-white-space.sh`` and some more.
SPELLINGS = ("{} ", " {}", "{}\t", "{}\r\n", "{}\u00a0", "{}\u200b", "\ufeff{}", "\u2060{}\u200e")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_number_with_invisible_ends_is_the_same_number(erp: FlaskClient, spelling: str) -> None:
    sale = a_sale(customer={"code": "C1", "name": "C"})
    first = erp.post(IMPORT, json=sale).json["data"]
    customer = {"code": spelling.format("C1"), "name": "C"}
    again = erp.post(IMPORT, json={**sale, "invoice_no": spelling.format(sale["invoice_no"]), "customer": customer})
    assert (again.status_code, again.json["data"]["id"]) == (409, first["id"])
    assert again.json["data"]["identical"] is True


def test_codes_and_names_with_invisible_ends_are_stored_clean(erp: FlaskClient) -> None:
    for number, spelling in enumerate(("{}", *SPELLINGS)):
        item = an_item(**{name: spelling.format("I-1") for name in ("item_code", "barcode", "batch_no")})
        sale = a_sale(
            invoice_no=spelling.format(f"N-{number}"),
            salesman=spelling.format("Ünal  Kaya"),
            customer={"code": spelling.format("C 1"), "name": "C"},
            items=[item],
        )
        answer = erp.post(IMPORT, json=sale)
        assert answer.json["data"]["invoice_no"] == f"N-{number}"
        stored = erp.get(f"{LIST}{answer.json['data']['id']}/").json
        assert (stored["customer"]["code"], stored["salesman"]["name"]) == ("C 1", "Ünal  Kaya")
        assert {stored["items"][0][name] for name in ("item_code", "barcode", "batch_no")} == {"I-1"}
    assert (counts()["customers"], counts()["salesmen"]) == (1, 1)


def test_both_spellings_of_a_letter_are_one_salesman_and_one_number(erp: FlaskClient) -> None:
    decomposed = unicodedata.normalize("NFD", "José-1")
    sale = a_sale(invoice_no="José-1", salesman="José")
    assert erp.post(IMPORT, json=sale).status_code == 201
    again = erp.post(IMPORT, json={**sale, "invoice_no": decomposed, "salesman": decomposed[:-2]})
    assert (again.status_code, again.json["data"]["identical"]) == (409, True)


def test_invisible_characters_alone_are_no_number(erp: FlaskClient) -> None:
    errors = erp.post(IMPORT, json=a_sale(invoice_no="\u200b \ufeff")).json["errors"]
    assert errors == {"invoice_no": ["This field may not be blank."]}


def test_a_bulk_import_counts_the_spellings_as_one(erp: FlaskClient) -> None:
    sale = a_sale()
    batch = [{**sale, "invoice_no": spelling.format(sale["invoice_no"])} for spelling in ("{}", *SPELLINGS)]
    answer = erp.post(BULK, json=batch)
    assert answer.status_code in {200, 207}, answer.text
    assert counts()["sales_invoices"] == 1


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_filters_search_and_steps_find_the_clean_number(
    erp: FlaskClient, client_as: Callable[..., FlaskClient], spelling: str
) -> None:
    sale = a_sale(salesman="Ajay")
    erp.post(IMPORT, json=sale)
    number = spelling.format(sale["invoice_no"])
    for filters in (
        {"search": number},
        {"customer": spelling.format("CUST-889")},
        {"salesman": spelling.format("Ajay")},
    ):
        found = erp.get(LIST, query_string=filters).json["results"]
        assert [invoice["invoice_no"] for invoice in found] == [sale["invoice_no"]], filters
    put(sale["invoice_no"], "PICKING")
    returned = client_as("billing").post(RETURN, json={"invoice_no": number, "return_reason": "x"})
    assert returned.status_code == 200
    assert erp.patch(UPDATE, json={"invoice_no": number, "remarks": "y"}).status_code == 200


def test_rows_of_a_file_belong_together_by_the_clean_number(app: Hub, erp: FlaskClient, tmp_path: Path) -> None:
    path = tmp_path / "sales.csv"
    heads = "invoice_no,invoice_date,customer_code,customer_name,item_name,item_code,quantity,mrp\n"
    rows = ("N-1,2026-11-20,C1,C,a,A,1,1\n", "N-1\u200b,2026-11-20,\ufeffC1,C,b,B,1,1\n")
    path.write_text(heads + "".join(rows), encoding="utf-8")
    result = app.test_cli_runner().invoke(args=["sales", "import", str(path)])
    assert result.exit_code == 0, result.output
    [invoice] = erp.get(LIST).json["results"]
    assert [item["item_code"] for item in invoice["items"]] == ["A", "B"]


def test_an_invoice_without_values_is_imported(erp: FlaskClient) -> None:
    payload = json.loads((CASES / "sales-json-without-values.json").read_text())
    answer = erp.post(IMPORT, json=payload)
    assert answer.status_code == 201, answer.text
    stored = erp.get(f"{LIST}{answer.json['data']['id']}/").json
    assert (stored["salesman"], stored["metadata"], stored["temp_name"]) == (None, None, "")
    assert (stored["items"][0]["batch_no"], stored["items"][0]["expiry_date"]) == ("", None)
    assert stored["priority"] == "MEDIUM"


def optional_fields() -> list[tuple[str, str]]:
    needed = {"invoice_no", "invoice_date", "customer", "items"}
    invoice = [("invoice", name) for name in PAYLOAD if name not in needed]
    customer = [("customer", name) for name in PAYLOAD["customer"] if name not in {"code", "name"}]
    item_needs = {"name", "item_code", "quantity", "mrp"}
    return invoice + customer + [("item", name) for name in PAYLOAD["items"][0] if name not in item_needs]


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize(("part", "name"), [*optional_fields(), ("invoice", "Total"), ("invoice", "metadata")])
def test_every_optional_field_may_be_null_or_empty(erp: FlaskClient, part: str, name: str, value: Any) -> None:
    sale = a_sale()
    {"invoice": sale, "customer": sale["customer"], "item": sale["items"][0]}[part][name] = value
    assert erp.post(IMPORT, json=sale).status_code == 201
    assert erp.post(BULK, json=[a_sale(**{**sale, "invoice_no": "N-2"})]).status_code in {200, 207}
    assert counts()["sales_invoices"] == 2


def test_an_empty_value_keeps_what_is_stored_of_the_customer(erp: FlaskClient) -> None:
    known = {"code": "C1", "name": "C", "address2": "Kadıköy", "phone1": "123"}
    erp.post(IMPORT, json=a_sale(customer=known))
    answer = erp.post(IMPORT, json=a_sale(customer={**known, "address2": None, "phone1": ""}))
    stored = erp.get(f"{LIST}{answer.json['data']['id']}/").json["customer"]
    assert {name: stored[name] for name in known} == known


def test_empty_metadata_of_php_is_an_empty_object(erp: FlaskClient) -> None:
    answer = erp.post(IMPORT, json=a_sale(metadata=[]))
    assert answer.status_code == 201, answer.text
    assert erp.get(f"{LIST}{answer.json['data']['id']}/").json["metadata"] == {}
