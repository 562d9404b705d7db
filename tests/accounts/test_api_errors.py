"""Error bodies of ``/api/auth`` and ``/api/v1``."""

from __future__ import annotations

from app.accounts.api_errors import ApiV1Envelope, AuthEnvelope
from app.kernel.errors import Forbidden, Invalid, Unauthenticated

NESTED = {"items": {9: {"quantity": ["Too small.", "Not whole."]}}, "_schema": ["Odd."]}


def test_auth_errors_mirror_the_payload() -> None:
    assert AuthEnvelope().body(Invalid(NESTED)) == {
        "success": False,
        "message": "Validation failed",
        "errors": {"items": {"9": {"quantity": ["Too small.", "Not whole."]}}, "non_field_errors": ["Odd."]},
    }


def test_v1_message_is_the_first_error_and_the_number_of_others() -> None:
    body = ApiV1Envelope().body(Invalid(NESTED))
    assert body["message"] == "Too small. (and 2 more errors)"
    assert body["errors"]["items.9.quantity"] == ["Too small.", "Not whole."]


def test_v1_names_a_missing_field_in_its_error() -> None:
    body = ApiV1Envelope().body(Invalid({"provider_status": ["This field is required."]}))
    sentence = "The provider status field is required."
    assert body == {"message": sentence, "errors": {"provider_status": [sentence]}}


def test_v1_counts_one_more_error_in_the_singular() -> None:
    body = ApiV1Envelope().body(Invalid({"a": ["A."], "b": ["B."]}))
    assert body["message"] == "A. (and 1 more error)"


def test_v1_uses_the_texts_of_the_einvoice_document() -> None:
    class Expired(Unauthenticated):
        message = "Token has expired."
        code = "TOKEN_EXPIRED"

    class ModuleMissing(Forbidden):
        message = "The module is not enabled."
        code = "MODULE_NOT_ENABLED"

    envelope = ApiV1Envelope()
    assert envelope.body(Unauthenticated()) == {"message": "Unauthenticated."}
    assert envelope.body(Expired()) == {"message": "Unauthenticated.", "error": "TOKEN_EXPIRED"}
    assert envelope.body(Forbidden()) == {"message": "This action is unauthorized."}
    assert envelope.body(ModuleMissing(data={"module": "feature.einvoice_api"})) == {
        "message": "The module is not enabled.",
        "error": "MODULE_NOT_ENABLED",
        "module": "feature.einvoice_api",
    }
