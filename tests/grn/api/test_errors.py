"""Error bodies of the goods receipts API, and the paths that it covers."""

from __future__ import annotations

import pytest

from app.grn.api.errors import GrnEnvelope
from app.kernel.errors import Conflict, Invalid
from app.kernel.http.app import Hub
from app.kernel.http.error_envelopes import envelope_of

NESTED = {"items": {9: {"quantity": ["Too small.", "Not whole."]}}, "_schema": ["Odd."]}
PAYLOAD = {"items": [{}] * 9 + [{"quantity": 0.5}]}


def test_errors_list_fields_with_their_rejected_values() -> None:
    assert GrnEnvelope().body(Invalid(NESTED, payload=PAYLOAD)) == {
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
def test_long_rejected_values_are_shortened(sent: object) -> None:
    [error] = GrnEnvelope().body(Invalid({"a": ["Too long."]}, payload={"a": sent}))["errors"]
    assert len(error["rejectedValue"]) == 1001
    assert error["rejectedValue"].endswith("…")


def test_codes_begin_with_the_status() -> None:
    class Duplicate(Conflict):
        code = "DUPLICATE"

    envelope = GrnEnvelope()
    assert envelope.body(Conflict())["code"] == 40900
    assert envelope.body(Duplicate(data={"id": 98})) == {
        "status": 409,
        "code": 40901,
        "message": Conflict.message,
        "id": 98,
    }


def test_every_route_of_the_package_answers_errors_in_this_envelope(app: Hub) -> None:
    views = {rule.rule: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()}
    paths = [path for path, view in views.items() if view.__module__.startswith("app.grn.")]
    assert "/invoices/<int:invoice_id>/fabricItems/<int:fabric_item_id>/rolls" in paths
    assert {type(envelope_of(path)) for path in paths} == {GrnEnvelope}
