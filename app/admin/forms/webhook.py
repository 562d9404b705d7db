"""The form of a webhook endpoint: what a person types, as the service takes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from wtforms import IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput

from app import events
from app.admin.forms.base import Form
from app.webhooks.events import TEST
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.schemas.endpoints import MAX_CONCURRENCY, MAX_RATE_PER_MINUTE
from app.webhooks.sender.ssrf import MAX_URL_LENGTH

#: Wildcard -> what people call all of it; the single events stand below.
EVENTS: dict[str, LazyString] = {
    "einvoice.*": lazy_gettext("All of e-invoices"),
    "sales.*": lazy_gettext("All of sales"),
    "grn.*": lazy_gettext("All of goods receipts"),
}
_EVERYTHING = "*"


def _patterns() -> list[tuple[str, str]]:
    single = [name for name in events.CATALOGUE if name != TEST.name]
    return [(pattern, pattern) for pattern in (_EVERYTHING, *EVENTS, *single)]


class EndpointForm(Form):
    url = StringField(
        lazy_gettext("Address"),
        [InputRequired(), Length(max=MAX_URL_LENGTH)],
        description=lazy_gettext("Where events are posted to; it begins with https://."),
    )
    description = StringField(lazy_gettext("What it is"), [Length(max=500)])
    # Not required as a field: each single box would be. The service tells when none is ticked.
    events = SelectMultipleField(lazy_gettext("Events"), choices=_patterns, option_widget=CheckboxInput())
    headers = TextAreaField(
        lazy_gettext("Headers to send along"),
        description=lazy_gettext("One in a line, as Name: value. They are stored encrypted; left empty, they stay."),
    )
    concurrency = IntegerField(
        lazy_gettext("Requests at the same time"), [InputRequired(), NumberRange(1, MAX_CONCURRENCY)], default=10
    )
    rate_per_minute = IntegerField(
        lazy_gettext("Requests in a minute"),
        [Optional(), NumberRange(1, MAX_RATE_PER_MINUTE)],
        description=lazy_gettext("Left empty, as many as come."),
    )
    allowances = TextAreaField(
        lazy_gettext("Allowed networks"),
        description=lazy_gettext("One in a line, network and port, such as 10.1.2.0/24 8080. Plain http works there."),
    )

    @classmethod
    def of(cls, endpoint: Endpoint) -> EndpointForm:
        """The form with what is stored; header values are not shown."""
        plain = ("url", "description", "events", "concurrency", "rate_per_minute")
        allowed = "\n".join(f"{entry['cidr']} {entry['port']}" for entry in endpoint.allowances)
        return cls(formdata=None, allowances=allowed, **{name: getattr(endpoint, name) for name in plain})

    def said(self, *, may_allow: bool) -> dict[str, Any]:
        """What was typed, in the shape of the API."""
        data: dict[str, Any] = {
            "url": (self.url.data or "").strip(),
            "description": self.description.data or "",
            "events": self.events.data or [],
            "concurrency": self.concurrency.data,
            "rate_per_minute": self.rate_per_minute.data,
        }
        if lines := list(_lines(self.headers.data)):
            data["headers"] = {
                name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
        if may_allow:
            pairs = (line.rpartition(" ") for line in _lines(self.allowances.data))
            data["allowances"] = [{"cidr": network.strip(), "port": port} for network, _, port in pairs]
        return data


def _lines(text: str | None) -> Iterator[str]:
    for line in (text or "").splitlines():
        if line.strip():
            yield line.strip()
