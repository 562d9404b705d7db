"""A switch accepts the booleans of JSON only."""

from __future__ import annotations

from typing import Any

import pytest
from marshmallow import ValidationError

from app.kernel.schemas.fields import Schema
from app.kernel.schemas.switch import Switch


class SwitchSchema(Schema):
    on = Switch()


@pytest.mark.parametrize("value", [True, False])
def test_booleans_are_loaded(value: bool) -> None:
    assert SwitchSchema().load({"on": value}) == {"on": value}


@pytest.mark.parametrize("value", [0, 1, 1.0, "true", "", [], None])
def test_what_python_takes_for_a_boolean_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        SwitchSchema().load({"on": value})
