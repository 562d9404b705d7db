"""The field of lists: the length is checked before the elements, and after many errors no further element."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow import fields

from app.kernel.messages import N_
from app.kernel.schemas import validators
from app.kernel.schemas.error_limits import MAX_ERRORS, NotShown, count_errors
from app.kernel.schemas.fields import HubField


class List(HubField, fields.List):
    """A list; one that is loaded needs a ``Length`` with ``max``, which is checked before the elements.

    After ``MAX_ERRORS`` errors no further element is checked.
    """

    default_error_messages = {"invalid": N_("Expected a list.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        self._length(value)
        loaded: list[Any] = []
        errors: dict[int, Any] = {}
        found = 0
        for index, element in enumerate(value):
            try:
                loaded.append(self.inner.deserialize(element, **kwargs))
            except ma.ValidationError as error:
                errors[index] = error.messages
                found += count_errors(error.messages)
            if found >= MAX_ERRORS:
                if unchecked := len(value) - index - 1:
                    errors[index + 1] = [NotShown(values=unchecked)]
                break
        if errors:
            raise ma.ValidationError(errors, valid_data=loaded)
        return loaded

    @property
    def _length(self) -> validators.Length:
        """The limit of the length.

        Raises:
            TypeError: a request is loaded and the list has no limit.
        """
        for validator in self.validators:
            if isinstance(validator, validators.Length) and validator.max is not None:
                return validator
        raise TypeError(f"the list {self.name} of a request needs validators.Length with max")
