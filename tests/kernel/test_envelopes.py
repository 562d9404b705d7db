"""Which surface a path belongs to, and how each surface words field errors."""

from __future__ import annotations

import pytest

from app.kernel.errors import Conflict, Forbidden, Invalid, Unauthenticated
from app.kernel.http.error_envelopes import envelope_of, flatten_errors

NESTED = {"items": {9: {"quantity": ["Too small.", "Not whole."]}}, "_schema": ["Odd."]}
PAYLOAD = {"items": [{}] * 9 + [{"quantity": 0.5}]}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/sales", "SalesError"),
        ("/api/sales/import/invoice/", "SalesError"),
        ("/api/auth/login/", "SalesError"),
        ("/api/invoices", "GrnError"),
        ("/api/invoices/1/fabric-items/2/ledgers", "GrnError"),
        ("/invoices/1/fabricItems/2/ledgers", "GrnError"),
        ("/api/suppliers/1", "GrnError"),
        ("/api/fabrics", "GrnError"),
        ("/api/orders", "GrnError"),
        ("/api/products", "GrnError"),
        ("/api/v1/einvoices/1", "ApiError"),
        ("/api/v1/events", "ApiError"),
        ("/api/salesmen", "ApiError"),
        ("/api/invoices2", "ApiError"),
        ("/healthz", "ApiError"),
        ("/", "ApiError"),
    ],
)
def test_a_path_tells_its_surface(path: str, name: str) -> None:
    assert envelope_of(path).name == name


def test_sales_mirrors_the_payload() -> None:
    assert envelope_of("/api/sales").body(Invalid(NESTED)) == {
        "success": False,
        "message": "Validation failed",
        "errors": {"items": {"9": {"quantity": ["Too small.", "Not whole."]}}, "non_field_errors": ["Odd."]},
    }


def test_grn_lists_fields_with_what_was_sent() -> None:
    assert envelope_of("/api/invoices").body(Invalid(NESTED, payload=PAYLOAD)) == {
        "status": 400,
        "code": 40001,
        "message": "Validation failed",
        "errors": [
            {"field": "items[9].quantity", "rejectedValue": 0.5, "message": "Too small."},
            {"field": "items[9].quantity", "rejectedValue": 0.5, "message": "Not whole."},
            {"field": "", "rejectedValue": PAYLOAD, "message": "Odd."},
        ],
    }


@pytest.mark.parametrize("sent", ["x" * 2000, [{"supplierLength": 1}] * 2000])
def test_grn_repeats_only_the_beginning_of_what_is_long(sent: object) -> None:
    [error] = envelope_of("/api/invoices").body(Invalid({"a": ["Too long."]}, payload={"a": sent}))["errors"]
    assert len(error["rejectedValue"]) == 1001
    assert error["rejectedValue"].endswith("…")


def test_grn_codes_carry_the_status() -> None:
    class Duplicate(Conflict):
        code = "DUPLICATE"

    envelope = envelope_of("/api/invoices")
    assert envelope.body(Conflict())["code"] == 40900
    assert envelope.body(Duplicate(data={"id": 98})) == {
        "status": 409,
        "code": 40901,
        "message": Conflict.message,
        "id": 98,
    }


def test_einvoices_lead_with_the_first_error_and_count_the_others() -> None:
    body = envelope_of("/api/v1/einvoices").body(Invalid(NESTED))
    assert body["message"] == "Too small. (and 2 more errors)"
    assert body["errors"]["items.9.quantity"] == ["Too small.", "Not whole."]


def test_einvoices_name_a_missing_field_in_the_sentence() -> None:
    body = envelope_of("/api/v1/einvoices").body(Invalid({"provider_status": ["This field is required."]}))
    sentence = "The provider status field is required."
    assert body == {"message": sentence, "errors": {"provider_status": [sentence]}}


def test_one_more_error_is_singular() -> None:
    body = envelope_of("/api/v1/einvoices").body(Invalid({"a": ["A."], "b": ["B."]}))
    assert body["message"] == "A. (and 1 more error)"


def test_einvoices_keep_the_documents_sentences() -> None:
    class Expired(Unauthenticated):
        message = "Token has expired."
        code = "TOKEN_EXPIRED"

    class ModuleMissing(Forbidden):
        message = "The module is not enabled."
        code = "MODULE_NOT_ENABLED"

    envelope = envelope_of("/api/v1/einvoices")
    assert envelope.body(Unauthenticated()) == {"message": "Unauthenticated."}
    assert envelope.body(Expired()) == {"message": "Unauthenticated.", "error": "TOKEN_EXPIRED"}
    assert envelope.body(Forbidden()) == {"message": "This action is unauthorized."}
    assert envelope.body(ModuleMissing(data={"module": "feature.einvoice_api"})) == {
        "message": "The module is not enabled.",
        "error": "MODULE_NOT_ENABLED",
        "module": "feature.einvoice_api",
    }


def test_flattening_takes_a_lone_sentence_too() -> None:
    assert list(flatten_errors({"a": "Wrong."})) == [(("a",), ["Wrong."])]
