"""What schemas tell the API reference besides their fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import marshmallow as ma

#: Keys of a field's ``metadata``: what is different in the bodies of requests, and in answers.
IN_REQUESTS, IN_ANSWERS = "x-in-requests", "x-in-answers"


class DocumentedSchema(ma.Schema):
    """A schema that tells which keys its answers have, and which keys of a request have no effect."""

    #: Keys that an answer may leave out.
    sometimes: ClassVar[frozenset[str]] = frozenset()
    #: Keys that a request may repeat from an answer; they are ignored.
    derived: ClassVar[frozenset[str]] = frozenset()

    #: Keywords of JSON Schema for requests.
    rules: ClassVar[Mapping[str, Any]] = {}

    def null_is_missing(self) -> frozenset[str]:
        """The keys whose null in a request means that they were left out."""
        return frozenset()

    def always_present(self) -> frozenset[str]:
        """The keys that every answer has."""
        return frozenset(field.data_key or name for name, field in self.dump_fields.items()) - self.sometimes
