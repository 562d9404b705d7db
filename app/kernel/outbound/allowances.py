"""Allowances: networks and ports that an admin allows in addition to public addresses."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from marshmallow import fields

from app.kernel.messages import N_
from app.kernel.schemas.fields import HubField, Number, Schema

MAX_ALLOWANCES = 20


class Network(HubField, fields.String):
    """A network in CIDR notation; a single address is a network of one address."""

    default_error_messages = {"invalid": N_("Expected a network such as 10.1.2.0/24.")}

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        try:
            return str(ip_network(text))
        except ValueError as error:
            raise self.make_error("invalid") from error


class AllowanceSchema(Schema):
    """A network and port that are allowed, public or private, with https or plain http."""

    cidr = Network(required=True, metadata={"example": "10.1.2.0/24"})
    port = Number(1, 65_535, required=True)
