"""Importing: once per number, all or nothing, exact to the cent, whatever comes at the same time."""

from __future__ import annotations

import json as standard_json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg._queries import MAX_CACHED_STATEMENT_LENGTH
from sqlalchemy import text

from app.extensions import db
from app.kernel.money import round_half_up
from app.sales import samples
from app.sales.imports import single
from tests.factories import a_sale, an_item
from tests.sales.conftest import IMPORT, LIST, NOTHING, bodies, counts

SAMPLE = Path(__file__).parents[3] / "docs" / "examples" / "invoice.json"


def exactly(answer: Any) -> Any:
    """The answer with every number as it was written."""
    return standard_json.loads(answer.text, parse_float=Decimal)


class TestTheDocument:
    def test_its_sample_imports(self, erp: FlaskClient) -> None:
        answer = erp.post(IMPORT, data=SAMPLE.read_bytes(), content_type="application/json")
        assert answer.status_code == 201
        assert answer.json["success"] is True
        assert answer.json["message"] == "Invoice imported successfully"
        data = answer.json["data"]
        assert data["invoice_no"] == "LTPI-77282"
        assert '"total_amount":920.0,' in answer.text
        assert (data["status"], data["billing_status"], data["priority"]) == ("INVOICED", "BILLED", "HIGH")
        assert isinstance(data["id"], int)
        assert data["created_at"].endswith("Z")

    def test_the_reference_shows_the_same_sample(self) -> None:
        assert standard_json.loads(SAMPLE.read_text()) == samples.PAYLOAD

    def test_its_sample_again_is_a_conflict_with_the_same_id(self, erp: FlaskClient) -> None:
        first, second = (erp.post(IMPORT, json=samples.PAYLOAD) for _ in range(2))
        assert second.status_code == 409
        assert second.json == {
            "success": False,
            "message": "Invoice with this invoice_no already exists.",
            "data": {"id": first.json["data"]["id"], "invoice_no": "LTPI-77282", "identical": True},
        }

    def test_its_error_without_a_number(self, erp: FlaskClient) -> None:
        payload = {name: value for name, value in samples.PAYLOAD.items() if name != "invoice_no"}
        answer = erp.post(IMPORT, json=payload)
        assert answer.status_code == 400
        assert answer.json == {
            "success": False,
            "message": "Validation failed",
            "errors": {"invoice_no": ["This field is required."]},
        }

    def test_its_errors_without_a_key(self, anybody: FlaskClient) -> None:
        nothing = anybody.post(IMPORT, json=samples.PAYLOAD)
        wrong = anybody.post(IMPORT, json=samples.PAYLOAD, headers={"X-API-KEY": "WEDFBNPOIUFSDFTY"})
        assert (nothing.status_code, wrong.status_code) == (401, 401)
        assert nothing.json == {"success": False, "message": "Authentication credentials were not provided."}
        assert wrong.json == {"success": False, "message": "Invalid API key"}


class TestWhatIsStored:
    def test_everything_that_was_sent_comes_back(self, imported: Callable[..., dict[str, Any]]) -> None:
        sent = a_sale(
            temp_name="Counter sale",
            remarks="Deliver by noon",
            metadata={"route": 7},
            customer={
                "code": "CUST-1",
                "name": "Şifa Eczanesi 😀 %s \\ \" '",
                "area": "Kadıköy",
                "address1": "1 %1$s",
                "address2": "",
                "address3": "3",
                "pincode": "673001",
                "phone1": "1",
                "phone2": "2",
                "email": "a@b.example",
            },
            items=[
                an_item(
                    company_name="Sun", packing="10x10", shelf_location="R-12", batch_no="B1", expiry_date="2027-02-28"
                )
                | {"remarks": "x\ty\n%"}
            ],
        )
        shown = imported(**sent)
        for name in ("invoice_no", "invoice_date", "created_by", "priority", "temp_name", "remarks", "metadata"):
            assert shown[name] == sent[name]
        assert {name: shown["customer"][name] for name in sent["customer"]} == sent["customer"]
        assert shown["salesman"]["name"] == "Ajay"
        [line], [item] = shown["items"], sent["items"]
        assert {name: line[name] for name in item} == item
        assert (line["line_no"], line["line_total"]) == (1, 70.0)

    def test_what_was_left_out_is_blank_or_null(self, erp: FlaskClient) -> None:
        item = {"name": "n", "item_code": "c", "quantity": 1, "mrp": 1}
        bare = {"invoice_no": "N-1", "invoice_date": "2025-01-18", "customer": {"code": "C", "name": "C"}}
        made = erp.post(IMPORT, json=bare | {"items": [item]})
        answer = erp.get(f"{LIST}{made.json['data']['id']}/").json
        assert answer["priority"] == "MEDIUM"
        assert (answer["salesman"], answer["metadata"], answer["Total"], answer["total_difference"]) == (None,) * 4
        assert [answer[name] for name in ("created_by", "temp_name", "remarks")] == ["", "", ""]
        assert (answer["created_user"], answer["return_info"]) == (None, None)
        assert (answer["items"][0]["barcode"], answer["items"][0]["expiry_date"]) == ("", None)
        assert counts()["salesmen"] == 0

    def test_the_user_is_kept_only_when_one_is_signed_in(
        self, erp: FlaskClient, client_as: Callable[..., FlaskClient]
    ) -> None:
        billing = client_as("billing")
        by_user, by_key = billing.post(IMPORT, json=a_sale()), erp.post(IMPORT, json=a_sale())
        shown = [erp.get(f"{LIST}{a.json['data']['id']}/").json["created_user"] for a in (by_user, by_key)]
        assert shown == [billing.get("/api/auth/me/").json["data"]["id"], None]

    def test_metadata_comes_back_as_it_was_written(self, erp: FlaskClient) -> None:
        raw = '{"b":1.10,"a":[12345678901234567890123,0.1000,null,{"ü":"%s"}],"":true}'
        body = standard_json.dumps(a_sale())[:-1] + f',"metadata":{raw}}}'
        made = erp.post(IMPORT, data=body, content_type="application/json")
        assert made.status_code == 201, made.text
        detail = erp.get(f"{LIST}{made.json['data']['id']}/")
        assert f'"metadata":{raw}' in detail.text
        with db.engine.connect() as connection:
            assert f'"metadata":{raw}' in connection.scalar(text("SELECT body FROM events"))

    def test_the_event_carries_the_invoice_as_it_is_read(self, erp: FlaskClient) -> None:
        for sale in (a_sale(), a_sale(salesman=None, Total=900), a_sale(customer={"code": "CUST-889", "name": "New"})):
            made = erp.post(IMPORT, json=sale)
            detail = erp.get(f"{LIST}{made.json['data']['id']}/").json
            event = bodies()[-1]
            assert event["event"] == "sales.imported"
            assert standard_json.loads(standard_json.dumps(event["data"]["invoice"], default=float)) == detail


class TestAmounts:
    @pytest.mark.parametrize(
        ("items", "total"),
        [
            ([(3, "0.335")], "1.01"),
            ([(1, "0.005")], "0.01"),
            ([(1, "0.0049")], "0.0"),
            ([(1, "0.005"), (1, "0.005")], "0.02"),
            ([(1, "0.1"), (1, "0.2")], "0.3"),
            ([(1_000_000_000, "9999.9999")], "9999999900000.0"),
            ([(7, "0")], "0.0"),
            ([(20, "3.50"), (10, "85.00")], "920.0"),
        ],
    )
    def test_lines_are_rounded_half_up_and_then_summed(
        self, erp: FlaskClient, items: list[tuple[int, str]], total: str
    ) -> None:
        lines = ",".join(f'{{"name":"n","item_code":"c","quantity":{quantity},"mrp":{mrp}}}' for quantity, mrp in items)
        body = standard_json.dumps(a_sale(items=[])).replace('"items": []', f'"items": [{lines}]')
        answer = erp.post(IMPORT, data=body, content_type="application/json")
        assert f'"total_amount":{total},' in answer.text

    @settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.tuples(st.integers(1, 100_000), st.decimals(0, 99_999, places=4)), min_size=1, max_size=8))
    def test_to_the_cent_for_any_lines(self, erp: FlaskClient, lines: list[tuple[int, Decimal]]) -> None:
        items = [an_item(quantity=quantity, mrp=str(mrp)) for quantity, mrp in lines]
        answer = erp.post(IMPORT, json=a_sale(items=items))
        expected = sum((round_half_up(quantity * mrp) for quantity, mrp in lines), Decimal(0))
        assert exactly(answer)["data"]["total_amount"] == expected
        detail = exactly(erp.get(f"{LIST}{answer.json['data']['id']}/"))
        assert detail["total_amount"] == expected
        assert [item["mrp"] for item in detail["items"]] == [mrp for _, mrp in lines]

    @pytest.mark.parametrize(
        ("declared", "difference"), [(920, 0.0), (920.01, 0.01), ("919.5", -0.5), (0, -920.0), (None, None)]
    )
    def test_the_clients_total_is_compared_and_kept(
        self, imported: Callable[..., dict[str, Any]], declared: Any, difference: float | None
    ) -> None:
        shown = imported(Total=declared)
        assert shown["total_amount"] == 920.0
        assert shown["Total"] == (None if declared is None else Decimal(str(declared)))
        assert shown["total_difference"] == (None if difference is None else Decimal(str(difference)))

    def test_a_sum_that_no_column_holds_is_named(self, erp: FlaskClient) -> None:
        answer = erp.post(IMPORT, json=a_sale(items=[an_item(quantity=1_000_000_000, mrp=9_999_999_999)]))
        assert answer.status_code == 400
        assert answer.json["errors"] == {"items": ["The total of all items may not be larger than 9999999999999.99."]}
        assert counts() == NOTHING


def broken(path: str, value: Any) -> dict[str, Any]:
    """A sale of ten items with one value replaced."""
    sale: Any = a_sale(items=[an_item() for _ in range(10)])
    place, *steps = sale, *path.split(".")
    for step in steps[:-1]:
        place = place[int(step) if step.isdigit() else step]
    place[steps[-1]] = value
    return sale  # type: ignore[no-any-return]


class TestRefusals:
    @pytest.mark.parametrize(
        ("path", "value", "sentence"),
        [
            ("items.9.quantity", 0, "Ensure this value is greater than or equal to 1."),
            ("items.9.quantity", 1.5, "A whole number is required."),
            ("items.9.quantity", True, "A valid number is required."),
            ("items.9.quantity", 10**12, "Ensure this value is less than or equal to 1000000000."),
            ("items.9.mrp", -1, "Ensure this value is greater than or equal to 0."),
            ("items.9.mrp", "3,50", "A valid number is required."),
            ("items.9.mrp", 1.23456, "Ensure that there are no more than 4 decimal places."),
            ("items.9.mrp", None, "This field may not be null."),
            ("items.9.name", "", "This field may not be blank."),
            ("items.9.item_code", "a\0", "NUL characters are not allowed."),
            ("items.9.expiry_date", "2025-02-30", "Not a date of the calendar from 1900-01-01."),
            ("items.9.price", 1, "Unknown field."),
            ("items.9.line_total", 1, "Unknown field."),
            ("customer.name", " ", "This field may not be blank."),
            ("customer.code", "x" * 51, "Ensure this field has no more than 50 characters."),
            ("customer.phone1", 9876543210, "Expected a string."),
            ("customer.gst", "1", "Unknown field."),
            ("customer.id", 1, "Unknown field."),
            ("invoice_no", "", "This field may not be blank."),
            ("invoice_no", 77282, "Expected a string."),
            ("invoice_date", "18-01-2025", "Date has wrong format. Use YYYY-MM-DD."),
            ("priority", "URGENT", "Must be one of: LOW, MEDIUM, HIGH."),
            ("Total", -1, "Ensure this value is greater than or equal to 0."),
            ("metadata", [1], "Expected an object."),
            ("status", "PICKING", "Unknown field."),
        ],
    )
    def test_name_the_place_and_leave_nothing_behind(
        self, erp: FlaskClient, path: str, value: Any, sentence: str
    ) -> None:
        answer = erp.post(IMPORT, json=broken(path, value))
        assert answer.status_code == 400
        errors = answer.json["errors"]
        for step in path.split("."):
            assert list(errors) == [step]
            errors = errors[step]
        assert errors == [sentence]
        assert counts() == NOTHING

    @pytest.mark.parametrize(
        ("facts", "errors"),
        [
            ({"items": []}, {"items": ["Send 1 to 2000 items."]}),
            ({"items": {}}, {"items": ["Expected a list."]}),
            ({"items": [1]}, {"items": {"0": {"non_field_errors": ["Expected an object."]}}}),
            ({"customer": "CUST-889"}, {"customer": {"non_field_errors": ["Expected an object."]}}),
            ({"customer": None}, {"customer": ["This field may not be null."]}),
        ],
    )
    def test_of_the_wrong_shape(self, erp: FlaskClient, facts: dict[str, Any], errors: dict[str, Any]) -> None:
        answer = erp.post(IMPORT, json=a_sale(**facts))
        assert answer.status_code == 400
        assert answer.json["errors"] == errors

    def test_every_fault_is_told_at_once(self, erp: FlaskClient) -> None:
        sale = broken("items.9.quantity", 0) | {"invoice_date": "x", "priority": "x"}
        errors = erp.post(IMPORT, json=sale).json["errors"]
        assert set(errors) == {"items", "invoice_date", "priority"}

    def test_a_failure_before_the_statement_leaves_nothing_behind(
        self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(single.events, "event_params", lambda *_args: 1 / 0)
        assert erp.post(IMPORT, json=a_sale()).status_code == 500
        assert counts() == NOTHING

    def test_a_failure_after_the_statement_is_as_an_answer_that_was_lost(
        self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All is stored, event included, and who sends it again is told so."""
        real, sale = single.import_invoice, a_sale()
        with monkeypatch.context() as broken_off:
            broken_off.setattr(single, "import_invoice", lambda *args, **facts: real(*args, **facts)["nothing"])
            assert erp.post(IMPORT, json=sale).status_code == 500
        again = erp.post(IMPORT, json=sale)
        assert (again.status_code, again.json["data"]["identical"]) == (409, True)
        assert (counts()["sales_invoices"], counts()["events"]) == (1, 1)

    def test_with_a_key_a_failure_after_the_statement_leaves_nothing_behind(
        self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The answer is stored with the invoice, in one transaction."""
        real = single.import_invoice
        monkeypatch.setattr(single, "import_invoice", lambda *args, **kwargs: real(*args, **kwargs)["nothing"])
        assert erp.post(IMPORT, json=a_sale(), headers={"Idempotency-Key": "one"}).status_code == 500
        assert counts() == NOTHING

    def test_a_duplicate_changes_no_customer(self, erp: FlaskClient, imported: Callable[..., dict[str, Any]]) -> None:
        first = imported()
        again = a_sale(invoice_no=first["invoice_no"], salesman="Meera")
        again["customer"] = {"code": "CUST-889", "name": "Another name"}
        before = counts()
        assert erp.post(IMPORT, json=again).status_code == 409
        assert counts() == before
        assert erp.get(f"{LIST}{first['id']}/").json["customer"]["name"] == "LifeCare Pharmacy"


def test_psycopg_remembers_how_the_statement_is_parsed() -> None:
    """Longer ones it parses for each import anew, for a twentieth of the whole time."""
    assert len(single._COMPACT_IMPORT) <= MAX_CACHED_STATEMENT_LENGTH


class TestCustomers:
    def test_what_is_sent_is_updated_and_what_is_absent_stays(self, imported: Callable[..., dict[str, Any]]) -> None:
        first = imported(customer={"code": "C-1", "name": "Old", "area": "North", "phone1": "1", "email": "a@b.c"})
        second = imported(customer={"code": "C-1", "name": "New", "phone1": "", "pincode": "5"})
        customer = second["customer"]
        assert customer["id"] == first["customer"]["id"]
        assert (customer["name"], customer["area"], customer["phone1"]) == ("New", "North", "1")
        assert (customer["pincode"], customer["email"]) == ("5", "a@b.c")
        assert counts()["customers"] == 1

    def test_an_unchanged_customer_is_not_written(self, imported: Callable[..., dict[str, Any]]) -> None:
        def stamp() -> Any:
            with db.engine.connect() as connection:
                return connection.execute(text("SELECT xmin, updated_at FROM customers")).one()

        imported()
        before = stamp()
        imported()
        assert stamp() == before

    def test_a_salesman_is_told_by_name(self, imported: Callable[..., dict[str, Any]]) -> None:
        ids = [imported(salesman=name)["salesman"]["id"] for name in ("Ajay", "Meera", "Ajay")]
        assert ids[0] == ids[2] != ids[1]
