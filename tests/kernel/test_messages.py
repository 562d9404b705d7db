"""Messages: English text for the API, id and values for pages; every way a text takes keeps or flattens them."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from typing import Any

import pytest
from marshmallow import ValidationError, fields
from sqlalchemy import text

from app.accounts.api_errors import ApiV1Envelope
from app.extensions import db
from app.grn.api.errors import GrnEnvelope
from app.kernel import json
from app.kernel.errors import Invalid, NotFound
from app.kernel.http.app import Hub
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.messages import AnyOf, Code, Message, as_message
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Number, Schema, Text
from app.sales.api.errors import SalesEnvelope

STEP = Code("picking.start", "start picking")
MESSAGE = Message("In %(allowed)s to %(step)s: %(n)s.", allowed=AnyOf(Code("PICKED"), Code("PACKED")), step=STEP, n=3)


def test_a_message_is_its_english_text() -> None:
    assert MESSAGE == "In PICKED or PACKED to start picking: 3."
    assert Message("100% wool") == "100% wool"
    assert as_message("Gone.").id == "Gone."
    assert as_message(MESSAGE) is MESSAGE


@pytest.mark.parametrize(
    ("number", "text"),
    [("2.0000", "2"), ("2.50", "2.5"), ("0.0", "0"), ("100", "100"), ("1E+2", "100"), ("-0.10", "-0.1")],
)
def test_a_decimal_has_no_zeros_at_its_end(number: str, text: str) -> None:
    assert Message("%(n)s left", n=Decimal(number)) == f"{text} left"


@pytest.mark.parametrize("keep", [copy.copy, copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_a_copy_keeps_id_and_values(keep: Any) -> None:
    kept = keep(MESSAGE)
    assert (kept, kept.id, kept.values) == (MESSAGE, MESSAGE.id, MESSAGE.values)
    assert [code.code for code in kept.values["allowed"].codes] == ["PICKED", "PACKED"]
    assert kept.values["step"].code == "picking.start"


def test_json_and_the_database_take_the_text(app: Hub) -> None:
    assert (
        json.encode({"errors": [MESSAGE, STEP]})
        == b'{"errors":["In PICKED or PACKED to start picking: 3.","start picking"]}'
    )
    stored = db.session.scalar(text("SELECT CAST(:message AS text)"), {"message": MESSAGE})
    assert stored == MESSAGE
    assert type(stored) is str


def test_json_still_refuses_what_it_does_not_know() -> None:
    with pytest.raises(TypeError):
        json.encode(object())


@pytest.mark.parametrize("envelope", [SalesEnvelope(), GrnEnvelope(), ApiV1Envelope()])
def test_every_envelope_shows_the_text(envelope: Any) -> None:
    assert b"In PICKED or PACKED to start picking: 3." in json.encode(envelope.body(Invalid({"invoice_no": [MESSAGE]})))
    assert b"start picking: 3." in json.encode(envelope.body(NotFound(MESSAGE))) or envelope.name == "ApiError"


def test_flattened_errors_are_still_messages() -> None:
    [(_, [found])] = flatten_errors({"items": {0: {"quantity": [MESSAGE]}}})
    assert found is MESSAGE


class Payload(Schema):
    name = Text(3)
    number = Number(1, 9)
    kind = fields.String(validate=validators.OneOf(["a", "b"]))
    listed = fields.List(fields.String(), validate=validators.Length(1, 2, error="Send %(min)s to %(max)s."))
    plain = fields.List(fields.String(), validate=validators.Length(max=1))
    page = fields.Integer(validate=validators.Range(1, 5))


@pytest.mark.parametrize(
    ("field", "value", "english", "template"),
    [
        ("name", "long", "Ensure this field has no more than 3 characters.", "%(limit)s"),
        ("number", 10, "Ensure this value is less than or equal to 9.", "%(high)s"),
        ("kind", "c", "Must be one of: a, b.", "%(choices)s"),
        ("listed", [], "Send 1 to 2.", "%(max)s"),
        ("plain", ["a", "b"], "Longer than maximum length 1.", "%(max)s"),
        ("page", 6, "Must be greater than or equal to 1 and less than or equal to 5.", "%(min)s"),
    ],
)
def test_fields_and_validators_refuse_with_messages(field: str, value: Any, english: str, template: str) -> None:
    with pytest.raises(ValidationError) as refused:
        Payload().load({field: value})
    [message] = refused.value.messages_dict[field]
    assert message == english
    assert isinstance(message, Message)
    assert template in message.id
