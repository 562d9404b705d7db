"""Schema base for payloads of programs that write null or "" for a field without a value."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from marshmallow import fields

from app.kernel.identifiers import clean_identifier
from app.kernel.schemas.fields import Schema, Text


class EmptyIsMissingSchema(Schema):
    """Null and "" mean that an optional field was left out."""

    #: A derived schema may set this to False.
    empty_is_missing = True

    def load(self, data: Any, **options: Any) -> Any:
        """As marshmallow's, without the fields that count as left out."""
        if self.empty_is_missing and isinstance(data, dict):
            data = {key: value for key, value in data.items() if not self._is_left_out(key, value)}
        return super().load(data, **options)

    def null_is_missing(self) -> frozenset[str]:
        return frozenset(key for key in self._fields_by_key if self.empty_is_missing and self._is_left_out(key, None))

    def _is_left_out(self, key: str, value: Any) -> bool:
        if value is not None and not isinstance(value, str):
            return False
        field = self._fields_by_key.get(key)
        if field is None or field.required:
            return False
        if value is None:
            return True
        # White space is a text; for all other fields it is no value.
        return not (value if type(field) is Text else clean_identifier(value))

    @cached_property
    def _fields_by_key(self) -> Mapping[str, fields.Field]:
        return {field.data_key or name: field for name, field in self.load_fields.items()}


class EmptyClearsSchema(EmptyIsMissingSchema):
    """As its base, but "" clears a text and null clears a field that may be null; switches take neither."""

    def _is_left_out(self, key: str, value: Any) -> bool:
        if not super()._is_left_out(key, value):
            return False
        field = self._fields_by_key[key]
        if isinstance(field, fields.Boolean):
            return False
        # A text that may not be blank refuses "" itself.
        return not (field.allow_none if value is None else isinstance(field, Text))
