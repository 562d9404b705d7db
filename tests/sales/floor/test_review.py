"""Returns to billing and corrections: from every state, item by item, and what happens at the same time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.sales.state_machine import RESUMED_STATUS, RETURNING_SECTION, Status
from tests.factories import a_sale, an_item
from tests.sales.conftest import IMPORT, LIST, RETURN, UPDATE, bodies, counts, put

Make = Callable[..., dict[str, Any]]
NOT_RETURNABLE = sorted(set(Status) - set(RETURNING_SECTION))


def two_items() -> list[dict[str, Any]]:
    return [
        an_item(item_code="MED001", barcode="BC-MED001", quantity=10, mrp=150, batch_no="B123"),
        an_item(item_code="MED002", barcode="BC-MED002", quantity=1, mrp=55),
    ]


def correct(client: FlaskClient, invoice: dict[str, Any], **facts: Any) -> Any:
    return client.patch(UPDATE, json={"invoice_no": invoice["invoice_no"], **facts})


def corrected(client: FlaskClient, invoice: dict[str, Any], **facts: Any) -> dict[str, Any]:
    answer = correct(client, invoice, **facts)
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = answer.json["data"]
    assert data == client.get(f"{LIST}{invoice['id']}/").json
    return data


def lines(invoice: dict[str, Any]) -> list[tuple[str, str, int, float]]:
    return [(i["item_code"], i["barcode"], i["quantity"], float(i["mrp"])) for i in invoice["items"]]


class TestReturn:
    @pytest.mark.parametrize(("status", "section"), RETURNING_SECTION.items())
    def test_the_section_follows_from_the_state(
        self, erp: FlaskClient, in_review: Make, status: str, section: str
    ) -> None:
        returned = in_review(returned_from=status)
        assert (returned["status"], returned["billing_status"]) == ("REVIEW", "REVIEW")
        info = returned["return_info"]
        assert (info["returned_from_section"], info["returned_from_status"]) == (section, status)
        assert (info["return_reason"], info["returned_by"]) == ("Batch on the box is B456", "Asha")
        assert (info["resolved_at"], info["resolved_by"], info["resolution_notes"]) == (None, None, "")
        assert erp.get(f"{LIST}{returned['id']}/").json == returned

    @pytest.mark.parametrize("status", NOT_RETURNABLE)
    def test_other_states_are_refused_and_named(
        self, imported: Make, client_as: Callable[..., FlaskClient], status: str
    ) -> None:
        invoice = imported()
        put(invoice["invoice_no"], status)
        answer = client_as("billing").post(RETURN, json={"invoice_no": invoice["invoice_no"], "return_reason": "x"})
        assert answer.status_code == 400
        [sentence] = answer.json["errors"]["invoice_no"]
        assert sentence.endswith(f"Current status: {status}")

    def test_an_unknown_number_is_not_found(self, client_as: Callable[..., FlaskClient]) -> None:
        answer = client_as("billing").post(RETURN, json={"invoice_no": "N", "return_reason": "x"})
        assert answer.status_code == 404
        assert answer.json == {"success": False, "message": "Invoice not found."}

    @pytest.mark.parametrize("reason", ["", "  ", "x" * 5001, None, 1])
    def test_a_reason_is_needed(self, imported: Make, client_as: Callable[..., FlaskClient], reason: Any) -> None:
        payload = {"invoice_no": imported()["invoice_no"], "return_reason": reason}
        answer = client_as("billing").post(RETURN, json=payload)
        assert list(answer.json["errors"]) == ["return_reason"]

    def test_the_event_carries_what_the_stream_announces(self, in_review: Make) -> None:
        returned = in_review()
        event = bodies()[-1]
        assert event["event"] == "sales.review"
        assert event["data"]["invoice"] == returned

    def test_at_the_same_time_one_returns_it(self, imported: Make, client_as: Callable[..., FlaskClient]) -> None:
        invoice, client = imported(), client_as("warehouse")
        put(invoice["invoice_no"], "PACKED")
        payload = {"invoice_no": invoice["invoice_no"], "return_reason": "x"}
        with ThreadPoolExecutor(8) as pool:
            statuses = sorted(pool.map(lambda _: client.post(RETURN, json=payload).status_code, range(8)))
        assert statuses == [200] + [400] * 7
        assert counts()["events"] == 2


class TestWhoMayCorrect:
    @pytest.mark.parametrize("status", sorted(set(Status) - {Status.REVIEW}))
    def test_outside_of_review_it_is_refused_with_the_state(
        self, erp: FlaskClient, imported: Make, status: str
    ) -> None:
        invoice = imported()
        put(invoice["invoice_no"], status)
        answer = correct(erp, invoice, remarks="x")
        assert answer.status_code == 400
        sentence = f"Invoice must be in REVIEW status to be updated. Current status: {status}"
        assert answer.json["errors"] == {"invoice_no": [sentence]}

    def test_an_unknown_number_is_not_found(self, erp: FlaskClient) -> None:
        answer = erp.patch(UPDATE, json={"invoice_no": "INV-0", "items": []})
        assert answer.status_code == 404
        assert answer.json == {"success": False, "message": "Invoice not found."}

    def test_a_number_is_needed(self, erp: FlaskClient) -> None:
        assert erp.patch(UPDATE, json={}).json["errors"] == {"invoice_no": ["This field is required."]}

    def test_without_a_credential_nobody(self, anybody: FlaskClient) -> None:
        assert anybody.patch(UPDATE, json={}).status_code == 401

    def test_the_warehouse_may_not(self, client_as: Callable[..., FlaskClient], in_review: Make) -> None:
        assert correct(client_as("warehouse"), in_review()).status_code == 403


class TestResuming:
    @pytest.mark.parametrize(("status", "section"), RETURNING_SECTION.items())
    def test_goes_back_to_the_section_that_returned_it(
        self, erp: FlaskClient, in_review: Make, status: str, section: str
    ) -> None:
        shown = corrected(erp, in_review(returned_from=status), resolution_notes="Fixed")
        expected = {"PICKING": "PICKING", "PACKING": "PACKING", "DELIVERY": "PACKED"}[section]
        assert (shown["status"], shown["billing_status"]) == (expected, "RE_INVOICED")
        assert RESUMED_STATUS[section] == expected
        info = shown["return_info"]
        assert (info["resolution_notes"], info["resolved_by"]) == ("Fixed", "SALES_IMPORT_API_KEY")
        assert info["resolved_at"] == shown["updated_at"]

    def test_by_the_second_return_if_there_were_two(
        self, erp: FlaskClient, in_review: Make, client_as: Callable[..., FlaskClient]
    ) -> None:
        invoice = in_review(returned_from="PICKING")
        corrected(erp, invoice, resolution_notes="first")
        put(invoice["invoice_no"], "DISPATCHED")
        client_as("warehouse").post(RETURN, json={"invoice_no": invoice["invoice_no"], "return_reason": "again"})
        shown = corrected(erp, invoice, resolution_notes="second")
        assert shown["status"] == "PACKED"
        assert (shown["return_info"]["return_reason"], shown["return_info"]["resolution_notes"]) == ("again", "second")

    def test_the_event_carries_the_invoice_as_it_is_now(self, erp: FlaskClient, in_review: Make) -> None:
        shown = corrected(erp, in_review(), remarks="mended", metadata={"a": 1})
        event = bodies()[-1]
        assert event["event"] == "sales.updated"
        assert event["data"]["invoice"] == shown

    def test_at_the_same_time_one_corrects_it(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review()
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda n: correct(erp, invoice, remarks=f"by {n}"), range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
        [done] = [answer.json["data"]["remarks"] for answer in answers if answer.status_code == 200]
        assert erp.get(f"{LIST}{invoice['id']}/").json["remarks"] == done
        assert counts()["events"] == 3


class TestItems:
    def test_the_documents_example(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(invoice_no="INV-001", items=two_items())
        answer = erp.patch(
            UPDATE,
            json={
                "invoice_no": "INV-001",
                "items": [
                    {"item_code": "MED001", "barcode": "BC-MED001", "mrp": 145.5, "batch_no": "B456"},
                    {"item_code": "MED002", "barcode": "BC-MED002", "quantity": 2, "mrp": 55},
                ],
                "replace_items": False,
                "resolution_notes": "Fixed batch number and updated MRP",
            },
        )
        assert answer.status_code == 200
        assert answer.json["message"] == "Invoice updated successfully"
        shown = answer.json["data"]
        assert shown["total_amount"] == 1565.0
        assert [item["line_total"] for item in shown["items"]] == [1455.0, 110.0]
        assert [item["batch_no"] for item in shown["items"]] == ["B456", ""]
        assert [item["id"] for item in shown["items"]] == [item["id"] for item in invoice["items"]]

    def test_the_barcode_decides_before_the_code(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(items=two_items())
        shown = corrected(erp, invoice, items=[{"barcode": "BC-MED002", "item_code": "MED001", "quantity": 3}])
        assert lines(shown) == [("MED001", "BC-MED001", 10, 150), ("MED001", "BC-MED002", 3, 55)]

    def test_without_a_known_barcode_the_code_decides(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(items=two_items())
        shown = corrected(
            erp,
            invoice,
            items=[{"barcode": "NEW", "item_code": "MED001"}, {"item_code": "MED002", "mrp": 54}],
        )
        assert lines(shown) == [("MED001", "NEW", 10, 150), ("MED002", "BC-MED002", 1, 54)]

    def test_all_are_told_by_what_was_stored_before(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(items=two_items())
        items = [
            {"item_code": "MED001", "barcode": "X-1", "quantity": 4},
            {"barcode": "X-1", "item_code": "MED003", "name": "New", "quantity": 1, "mrp": 1},
        ]
        shown = corrected(erp, invoice, items=items)
        assert [line[:3] for line in lines(shown)] == [
            ("MED001", "X-1", 4),
            ("MED002", "BC-MED002", 1),
            ("MED003", "X-1", 1),
        ]

    def test_a_blank_barcode_matches_nothing(self, erp: FlaskClient, in_review: Make) -> None:
        items = [an_item(item_code=code, barcode="", quantity=1, mrp=1) for code in ("A", "B")]
        shown = corrected(erp, in_review(items=items), items=[{"item_code": "B", "barcode": "", "quantity": 5}])
        assert [line[2] for line in lines(shown)] == [1, 5]

    def test_an_unmatched_one_is_added(self, erp: FlaskClient, in_review: Make) -> None:
        new = {"name": "New", "item_code": "MED003", "quantity": 2, "mrp": 0.5, "batch_no": "B"}
        shown = corrected(erp, in_review(items=two_items()), items=[new])
        assert [item["line_no"] for item in shown["items"]] == [1, 2, 3]
        assert {name: shown["items"][2][name] for name in new} == new
        assert shown["total_amount"] == 1556.0

    def test_an_incomplete_new_one_is_refused_field_by_field(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(items=two_items())
        answer = correct(erp, invoice, items=[{"item_code": "MED001", "mrp": 1}, {"barcode": "?"}], remarks="x")
        assert answer.status_code == 400
        required = ["This field is required."]
        assert answer.json["errors"] == {
            "items": {"1": dict.fromkeys(("name", "item_code", "quantity", "mrp"), required)}
        }
        assert erp.get(f"{LIST}{invoice['id']}/").json == invoice

    def test_one_that_fits_several_lines_is_refused(self, erp: FlaskClient, in_review: Make) -> None:
        items = [an_item(item_code=code, barcode="SAME") for code in ("A", "B")]
        invoice = in_review(items=items)
        sentence = "Matches 2 items of this invoice; send item_code too."
        assert correct(erp, invoice, items=[{"barcode": "SAME"}]).json["errors"] == {
            "items": {"0": {"item_code": [sentence]}}
        }
        shown = corrected(erp, invoice, items=[{"barcode": "SAME", "item_code": "B", "quantity": 7}])
        assert [line[2] for line in lines(shown)] == [20, 7]

    def test_a_code_that_fits_several_lines_is_refused(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(items=[an_item(item_code="A", barcode=barcode) for barcode in ("1", "2")])
        errors = correct(erp, invoice, items=[{"item_code": "A"}]).json["errors"]
        assert list(errors["items"]["0"]) == ["barcode"]

    def test_one_line_named_twice_is_refused(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(items=two_items())
        answer = correct(erp, invoice, items=[{"item_code": "MED001"}, {"barcode": "BC-MED001"}])
        assert answer.json["errors"] == {
            "items": {"1": {"item_code": ["This item was already named in this correction."]}}
        }

    @pytest.mark.parametrize("item", [{}, {"quantity": 1}, {"barcode": ""}])
    def test_one_that_names_no_line_is_refused(self, erp: FlaskClient, in_review: Make, item: dict[str, Any]) -> None:
        errors = correct(erp, in_review(), items=[item]).json["errors"]
        assert list(errors["items"]["0"]) == ["item_code"]

    @pytest.mark.parametrize(
        ("field", "value"), [("quantity", 0), ("mrp", -1), ("name", ""), ("line_no", 1), ("id", 1), ("line_total", 1)]
    )
    def test_fields_are_as_strict_as_in_an_import(
        self, erp: FlaskClient, in_review: Make, field: str, value: Any
    ) -> None:
        answer = correct(erp, in_review(items=two_items()), items=[{"item_code": "MED001", field: value}])
        assert answer.status_code == 400
        assert list(answer.json["errors"]["items"]["0"]) == [field]

    def test_replacing_removes_what_is_not_named(self, erp: FlaskClient, in_review: Make) -> None:
        new = an_item(item_code="MED003", barcode="BC-MED003", quantity=1, mrp=5)
        invoice = in_review(items=two_items())
        shown = corrected(erp, invoice, items=[{"item_code": "MED002", "quantity": 2}, new], replace_items=True)
        assert lines(shown) == [("MED002", "BC-MED002", 2, 55), ("MED003", "BC-MED003", 1, 5)]
        assert shown["total_amount"] == 115.0
        assert counts()["sales_items"] == 2

    def test_replacing_with_nothing_is_refused(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review()
        for facts in ({}, {"items": []}):
            answer = correct(erp, invoice, replace_items=True, **facts)
            assert answer.json["errors"] == {"items": ["With replace_items at least one item must be sent."]}

    @pytest.mark.parametrize("value", ["true", 2, None, []])
    def test_replacing_is_said_with_a_boolean(self, erp: FlaskClient, in_review: Make, value: Any) -> None:
        assert list(correct(erp, in_review(), replace_items=value).json["errors"]) == ["replace_items"]

    def test_a_sum_that_no_column_holds_is_refused_and_changes_nothing(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(items=two_items())
        items = [{"item_code": "MED001", "quantity": 1_000_000_000, "mrp": 9_999_999_999}]
        answer = correct(erp, invoice, items=items, customer={"code": "C-2", "name": "Two"})
        assert answer.status_code == 400
        assert list(answer.json["errors"]) == ["items"]
        assert erp.get(f"{LIST}{invoice['id']}/").json == invoice
        assert counts()["customers"] == 1


class TestHeader:
    def test_without_items_only_the_header_changes(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review()
        changes = {
            "invoice_date": "2025-02-01",
            "priority": "LOW",
            "created_by": "V-TASK",
            "temp_name": "T",
            "remarks": "R",
            "metadata": {"a": 1},
        }
        shown = corrected(erp, invoice, **changes)
        assert {name: shown[name] for name in changes} == changes
        assert shown["items"] == invoice["items"]
        assert shown["total_amount"] == 920.0

    def test_what_is_absent_stays(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(remarks="R", temp_name="T", metadata={"a": 1.5}, Total=900)
        shown = corrected(erp, invoice)
        changed = {"status", "billing_status", "return_info", "updated_at"}
        assert {name for name in shown if shown[name] != invoice[name]} == changed

    def test_the_difference_follows_both_totals(self, erp: FlaskClient, in_review: Make) -> None:
        invoice = in_review(items=two_items(), Total=1555)
        assert invoice["total_difference"] == 0.0
        shown = corrected(erp, invoice, items=[{"item_code": "MED002", "quantity": 2}], Total=1600)
        assert (shown["total_amount"], shown["Total"], shown["total_difference"]) == (1610.0, 1600.0, -10.0)

    def test_the_customer_is_updated_by_its_code(self, erp: FlaskClient, in_review: Make) -> None:
        shown = corrected(erp, in_review(), customer={"code": "CUST-889", "phone1": "1"})
        assert (shown["customer"]["name"], shown["customer"]["phone1"]) == ("LifeCare Pharmacy", "1")
        assert counts()["customers"] == 1

    def test_another_customer_takes_the_invoice_over(self, erp: FlaskClient, in_review: Make) -> None:
        shown = corrected(erp, in_review(), customer={"code": "C-2", "name": "Two"}, salesman="Meera")
        assert (shown["customer"]["name"], shown["customer"]["area"]) == ("Two", "")
        assert shown["salesman"]["name"] == "Meera"
        assert (counts()["customers"], counts()["salesmen"]) == (2, 2)

    def test_a_new_customer_needs_a_name(self, erp: FlaskClient, in_review: Make) -> None:
        answer = correct(erp, in_review(), customer={"code": "C-2"})
        assert answer.json["errors"] == {"customer": {"name": ["This field is required."]}}

    @pytest.mark.parametrize("field", ["status", "billing_status", "total_amount", "created_user", "id"])
    def test_what_only_the_hub_decides_is_unknown(self, erp: FlaskClient, in_review: Make, field: str) -> None:
        assert correct(erp, in_review(), **{field: "x"}).json["errors"] == {field: ["Unknown field."]}

    def test_corrections_and_imports_for_one_new_customer_at_once(self, erp: FlaskClient, in_review: Make) -> None:
        returned = [in_review() for _ in range(4)]
        customer = {"code": "C-NEW", "name": "New", "phone1": "1"}

        def one(number: int) -> int:
            if number < len(returned):
                return int(correct(erp, returned[number], customer=customer, salesman="New").status_code)
            return erp.post(IMPORT, json=a_sale(customer=customer, salesman="New")).status_code

        with ThreadPoolExecutor(12) as pool:
            statuses = list(pool.map(one, range(16)))
        assert statuses == [200] * 4 + [201] * 12
        assert (counts()["customers"], counts()["salesmen"]) == (2, 2)
