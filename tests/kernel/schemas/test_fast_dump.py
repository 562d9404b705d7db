"""Fast dump: dictionaries and objects come out as marshmallow dumps them."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import marshmallow as ma
import pytest
from flask.testing import FlaskClient

from app.kernel.schemas.fast_schema import FastDumpSchema
from app.kernel.schemas.fields import Number, Schema
from app.sales.queries.lookup import find_by_number
from app.sales.schemas.invoices import InvoiceSchema
from app.sales.state_machine import Status
from tests.sales.helpers import a_person, brought_to


@pytest.mark.parametrize("state", [*Status])
def test_an_invoice_in_each_state(client_as: Callable[..., FlaskClient], erp: FlaskClient, state: str) -> None:
    worker = a_person(client_as, "admin")
    number = brought_to(state, erp, worker)
    if state == "PICKED":
        worker.does("hold", number, reason="A box is missing.")
    invoice = find_by_number(number)
    schema = InvoiceSchema()
    assert schema.dump(invoice) == ma.Schema.dump(schema, invoice)
    assert schema.dump([invoice, invoice], many=True) == ma.Schema.dump(schema, [invoice] * 2, many=True)
    assert InvoiceSchema(many=True, only=("id", "items")).dump([invoice])[0].keys() == {"id", "items"}


class _Part(Schema):
    size = Number(0, 10, 2)


class _Whole(FastDumpSchema):
    name = ma.fields.String()
    parts = ma.fields.Nested(_Part, many=True)
    part = ma.fields.Nested(_Part, allow_none=True, data_key="Part", attribute="one")


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"name": None, "one": None},
        {"name": "A", "parts": [{"size": 1}, SimpleNamespace(size=2)], "one": SimpleNamespace()},
        {"parts": []},
    ],
)
def test_keys_and_attributes_that_are_missing(facts: dict[str, Any]) -> None:
    for value in (facts, SimpleNamespace(**facts)):
        assert _Whole().dump(value) == ma.Schema.dump(_Whole(), value)


class _Hooked(FastDumpSchema):
    @ma.post_dump
    def _change(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        return data


class _Path(FastDumpSchema):
    name = ma.fields.String(attribute="part.name")


class _Unknown(FastDumpSchema):
    name = ma.fields.IPv4()


@pytest.mark.parametrize("schema", [_Hooked, _Path, _Unknown])
def test_what_it_does_not_know_is_an_error(schema: type[Schema]) -> None:
    with pytest.raises(TypeError):
        schema().dump({})
