"""Every field type with valid, invalid and hostile values."""

from __future__ import annotations

import json as standard_json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from app.kernel import json
from app.kernel.errors import MalformedJson
from app.kernel.schemas.fields import METADATA_DEPTH, METADATA_LIMIT
from tests.kernel.conftest import ProbeSchema

#: Any JSON value.
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
FIELDS = ("name", "note", "count", "price", "day", "level", "metadata")


def loaded(raw: str) -> dict[str, Any]:
    """A JSON text, parsed and loaded by ``ProbeSchema``."""
    result: dict[str, Any] = ProbeSchema().load(json.decode(raw))
    return result


def load_errors(raw: str) -> dict[str, Any]:
    with pytest.raises(ValidationError) as caught:
        loaded(raw)
    return caught.value.normalized_messages()


def load_error(field: str, value: str) -> str:
    [[sentence]] = load_errors(f'{{"{field}": {value}}}').values()
    return str(sentence)


class TestText:
    @pytest.mark.parametrize("value", ["1", "true", "[]", "{}", "1.5"])
    def test_other_types_are_refused(self, value: str) -> None:
        assert load_error("name", value) == "Expected a string."

    def test_null_has_its_own_message(self) -> None:
        assert load_error("name", "null") == "This field may not be null."

    def test_nul_is_refused(self) -> None:
        assert load_error("name", '"a\\u0000b"') == "NUL characters are not allowed."

    def test_the_limit_counts_characters(self) -> None:
        assert loaded('{"name": "ééé😀😀"}') == {"name": "ééé😀😀"}
        assert load_error("name", '"ééé😀😀x"') == "Ensure this field has no more than 5 characters."

    @pytest.mark.parametrize("value", ['""', '"  "', '"\\n\\t"'])
    def test_blank_is_refused_where_text_is_required(self, value: str) -> None:
        assert load_error("name", value) == "This field may not be blank."
        assert loaded(f'{{"note": {value}}}')

    def test_a_lone_surrogate_is_invalid_json(self) -> None:
        with pytest.raises(MalformedJson):
            loaded('{"name": "\\ud800"}')


class TestNumber:
    @pytest.mark.parametrize(
        ("value", "number"),
        [("1", 1), ("20.0", 20), ('"20"', 20), ("1e2", 100), ('" 7 "', 7), ('"+7"', 7), ("1000", 1000)],
    )
    def test_whole_numbers(self, value: str, number: int) -> None:
        result = loaded(f'{{"count": {value}}}')["count"]
        assert result == number
        assert type(result) is int

    @pytest.mark.parametrize("value", ["true", "false", "[]", "{}", '"x"', '""', '"1e2"', '"NaN"', '"Infinity"', '"١"'])
    def test_other_values_are_refused(self, value: str) -> None:
        assert load_error("count", value) == "A valid number is required."
        assert load_error("price", value) == "A valid number is required."

    @pytest.mark.parametrize("value", ["1.5", '"1.5"', "1.0000000000000000000000000000000001"])
    def test_decimals_of_a_whole_number_are_refused(self, value: str) -> None:
        assert load_error("count", value) == "A whole number is required."

    @pytest.mark.parametrize("value", ["0", "-1", "-1e999999999", "0.9", "1e-999999999"])
    def test_too_small(self, value: str) -> None:
        assert load_error("count", value) == "Ensure this value is greater than or equal to 1."

    @pytest.mark.parametrize("value", ["1001", "1e999999999", "9" * 4000, f'"{"9" * 30}"'])
    def test_too_large(self, value: str) -> None:
        assert load_error("count", value) == "Ensure this value is less than or equal to 1000."

    @pytest.mark.parametrize("value", ["0.001", "3.505", "1e-999999999", "3.50000000000000000000000000000000001"])
    def test_too_many_decimals(self, value: str) -> None:
        assert load_error("price", value) == "Ensure that there are no more than 2 decimal places."

    @pytest.mark.parametrize("value", ["3.5", "3.50", "3.5000000000000000000000000000000000000", "35e-1", '"3.50"'])
    def test_trailing_zeros_are_no_decimals(self, value: str) -> None:
        assert loaded(f'{{"price": {value}}}') == {"price": Decimal("3.5")}

    @pytest.mark.parametrize("value", ["-0.0", "-0", '"-0"'])
    def test_zero_has_no_sign(self, value: str) -> None:
        assert json.encode(ProbeSchema().dump(loaded(f'{{"price": {value}}}'))) == b'{"price":0.0}'

    @given(st.decimals(0, 99999999, places=2))
    def test_a_price_is_dumped_as_the_same_number(self, price: Decimal) -> None:
        shown = json.encode_text(ProbeSchema().dump(loaded(f'{{"price": {price:f}}}')))
        assert standard_json.loads(shown, parse_float=Decimal)["price"] == price

    def test_an_exponent_out_of_range_is_invalid_json(self) -> None:
        with pytest.raises(MalformedJson):
            loaded('{"price": 1e99999999999999999999}')


class TestCalendarDate:
    def test_a_day(self) -> None:
        assert loaded('{"day": "2024-02-29"}') == {"day": date(2024, 2, 29)}
        assert ProbeSchema().dump({"day": date(2024, 2, 29)}) == {"day": "2024-02-29"}

    @pytest.mark.parametrize("value", ['"2025-02-30"', '"2025-13-01"', '"0000-01-01"', '"1899-12-31"', '"2023-02-29"'])
    def test_an_impossible_date_is_refused(self, value: str) -> None:
        assert load_error("day", value) == "Not a date of the calendar from 1900-01-01."

    @pytest.mark.parametrize(
        "value",
        ['"18.01.2025"', '"2025-1-8"', '"20250118"', '"2025-01-18T00:00"', "20250118", '""', '"２０２５-01-18"'],
    )
    def test_another_format_is_refused(self, value: str) -> None:
        assert load_error("day", value) == "Date has wrong format. Use YYYY-MM-DD."


class TestChoice:
    def test_an_error_lists_the_choices(self) -> None:
        assert load_error("level", '"MIDDLE"') == "Must be one of: LOW, HIGH."

    @pytest.mark.parametrize("value", ["1", "[]", '{"a": 1}', "true"])
    def test_other_types_are_refused(self, value: str) -> None:
        assert load_error("level", value) == "Expected a string."


class TestMetadata:
    def test_numbers_stay_as_they_were_written(self) -> None:
        raw = '{"metadata":{"a":1.10,"b":12345678901234567890123,"c":0.1000,"d":[1.0,{"e":-0.00}],"f":null,"g":true}}'
        assert json.encode_text(ProbeSchema().dump(loaded(raw))) == raw

    @pytest.mark.parametrize("value", ["[1]", '"x"', "1", "true"])
    def test_only_an_object(self, value: str) -> None:
        assert load_error("metadata", value) == "Expected an object."

    def test_16_kib_are_enough(self) -> None:
        fits = "x" * (METADATA_LIMIT - len('{"a":""}'))
        assert loaded(f'{{"metadata": {{"a": "{fits}"}}}}')
        assert "no more than 16384 bytes" in load_error("metadata", f'{{"a": "{fits}x"}}')

    def test_bytes_are_counted_and_not_characters(self) -> None:
        assert "16384 bytes" in load_error("metadata", f'{{"a": "{"é" * (METADATA_LIMIT // 2)}"}}')

    def test_the_depth_is_bounded(self) -> None:
        def nested(levels: int) -> str:
            return '{"a":' * levels + "1" + "}" * levels

        assert loaded(f'{{"metadata": {nested(METADATA_DEPTH)}}}')
        for levels in (METADATA_DEPTH + 1, 400):
            assert "nested no deeper than 32" in load_error("metadata", nested(levels))

    @pytest.mark.parametrize("value", ['{"a\\u0000": 1}', '{"a": "\\u0000"}', '{"a": [{"b": "x\\u0000"}]}'])
    def test_nul_is_found_at_any_depth(self, value: str) -> None:
        assert load_error("metadata", value) == "NUL characters are not allowed."

    def test_a_backslash_before_u0000_is_no_nul(self) -> None:
        assert loaded('{"metadata": {"a": "\\\\u0000"}}') == {"extra": {"a": "\\u0000"}}


def test_unknown_fields_are_refused_by_name() -> None:
    assert load_errors('{"nmae": "x", "name": "ok"}') == {"nmae": ["Unknown field."]}


def test_dump_only_fields_are_unknown_in_a_payload() -> None:
    assert load_errors('{"at": "2025-01-01T00:00:00Z"}') == {"at": ["Unknown field."]}


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), JSON_VALUES, max_size=5) | JSON_VALUES)
def test_any_json_is_loaded_or_refused_by_field(payload: Any) -> None:
    """Any JSON document either raises a validation error or is loaded and can be dumped again."""
    try:
        data = loaded(standard_json.dumps(payload))
    except (ValidationError, MalformedJson):
        return
    json.encode(ProbeSchema().dump(data))
