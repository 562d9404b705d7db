"""Null and "" for optional fields, identifiers, and empty metadata: the schema and the fast loader agree."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from app.kernel.schemas.empty_values import EmptyClearsSchema, EmptyIsMissingSchema
from app.kernel.schemas.fast_load import Declined, make_loader
from app.kernel.schemas.fields import CalendarDate, Choice, Identifier, Metadata, Number, Text


class _Fields:
    code = Identifier(5, required=True, blank=False)
    batch = Identifier(5)
    name = Text(5)
    title = Text(5, blank=False)
    level = Choice("LOW", "HIGH", load_default="LOW")
    day = CalendarDate(allow_none=True)
    price = Number(0, 9, 2)
    extra = Metadata()


class MissingSchema(_Fields, EmptyIsMissingSchema):
    """Empty values count as left out."""


class ClearsSchema(_Fields, EmptyClearsSchema):
    """Empty values clear what can be empty."""


OPTIONAL = ("batch", "name", "title", "level", "day", "price", "extra")


@pytest.mark.parametrize("field", OPTIONAL)
@pytest.mark.parametrize("value", [None, ""])
def test_null_and_an_empty_text_count_as_left_out(field: str, value: Any) -> None:
    expected = {"code": "A", "level": "LOW"}
    payload = {"code": "A", field: value}
    assert MissingSchema().load(payload) == expected
    assert make_loader(MissingSchema())(payload) == expected


@pytest.mark.parametrize("field", ["batch", "level", "day", "price"])
def test_white_space_counts_as_left_out_where_it_is_no_value(field: str) -> None:
    assert MissingSchema().load({"code": "A", field: " \u200b"}) == {"code": "A", "level": "LOW"}


def test_white_space_in_a_free_text_stays() -> None:
    assert MissingSchema().load({"code": "A", "name": "  "})["name"] == "  "


@pytest.mark.parametrize("payload", [{"code": None}, {"code": ""}, {"code": "\ufeff"}, {"code": "A", "other": None}])
def test_required_and_unknown_fields_are_checked_as_ever(payload: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MissingSchema().load(payload)
    with pytest.raises(Declined):
        make_loader(MissingSchema())(payload)


def test_a_correction_refuses_an_empty_text_where_none_may_be() -> None:
    with pytest.raises(ValidationError):
        ClearsSchema().load({"code": "A", "title": ""})


def test_a_correction_clears_what_can_be_empty() -> None:
    sent = {"code": "A", "batch": "", "name": "", "title": None, "level": "", "day": None, "price": None, "extra": None}
    expected = {"code": "A", "batch": "", "name": "", "level": "LOW", "day": None}
    assert ClearsSchema().load(sent) == expected


@pytest.mark.parametrize("schema", [MissingSchema(), ClearsSchema()])
def test_an_empty_list_is_an_empty_object(schema: Any) -> None:
    assert schema.load({"code": "A", "extra": []})["extra"] == {}
    with pytest.raises(ValidationError):
        schema.load({"code": "A", "extra": [1]})


@pytest.mark.parametrize("sent", ["ABCDE", " ABCDE\u00a0", "\ufeffABCDE\r\n", "ABCDE" + " " * 900])
def test_the_limit_counts_the_clean_identifier(sent: str) -> None:
    assert MissingSchema().load({"code": sent})["code"] == "ABCDE"


def test_the_limit_and_nul_are_checked() -> None:
    for sent in ("ABCDEF", "A" + " " * 5000 + "B", "A\0"):
        with pytest.raises(ValidationError):
            MissingSchema().load({"code": sent})
