"""Form of a webhook endpoint, and its conversion to the data of the API."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString
from wtforms import IntegerField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput

from app import events
from app.admin.forms.base import Form
from app.admin.forms.lines import allowances_of, lines_of, text_of_allowances
from app.kernel.outbound.ssrf import MAX_URL_LENGTH
from app.webhooks.events import TEST
from app.webhooks.models.endpoints import DEFAULT_BODY_BYTES, MAX_BODY_BYTES, MIN_BODY_BYTES, Endpoint
from app.webhooks.schemas.endpoints import MAX_CONCURRENCY, MAX_RATE_PER_MINUTE

#: Wildcard of events -> its label.
WILDCARDS: dict[str, LazyString] = {
    "einvoice.*": lazy_gettext("All e-invoice events"),
    "provider_account.*": lazy_gettext("All provider account events"),
    "sales.*": lazy_gettext("All sales events"),
    "grn.*": lazy_gettext("All goods receipt events"),
}
_EVERYTHING = "*"


def _event_choices() -> list[tuple[str, str]]:
    single = [name for name in events.CATALOGUE if name != TEST.name]
    return [(pattern, pattern) for pattern in (_EVERYTHING, *WILDCARDS, *single)]


class EndpointForm(Form):
    url = StringField(
        lazy_gettext("URL"),
        [InputRequired(), Length(max=MAX_URL_LENGTH)],
        description=lazy_gettext("Events are sent to this URL. It must begin with https://."),
    )
    description = StringField(lazy_gettext("Description"), [Length(max=500)])
    # ``InputRequired`` would make the browser require every checkbox; the service refuses an empty list.
    events = SelectMultipleField(lazy_gettext("Events"), choices=_event_choices, option_widget=CheckboxInput())
    headers = TextAreaField(
        lazy_gettext("Additional headers"),
        description=lazy_gettext(
            "One per line, in the form Name: value. They are stored encrypted. Empty: the stored headers stay."
        ),
    )
    concurrency = IntegerField(
        lazy_gettext("Parallel requests"), [InputRequired(), NumberRange(1, MAX_CONCURRENCY)], default=10
    )
    rate_per_minute = IntegerField(
        lazy_gettext("Requests per minute"),
        [Optional(), NumberRange(1, MAX_RATE_PER_MINUTE)],
        description=lazy_gettext("Empty: no limit."),
    )
    max_body_bytes = IntegerField(
        lazy_gettext("Largest body in bytes"),
        [InputRequired(), NumberRange(MIN_BODY_BYTES, MAX_BODY_BYTES)],
        default=DEFAULT_BODY_BYTES,
        description=lazy_gettext("A larger event is sent with its ids and totals only."),
    )
    allowances = TextAreaField(
        lazy_gettext("Allowed networks"),
        description=lazy_gettext(
            "One per line: network and port, for example 10.1.2.0/24 8080. Plain http is allowed there."
        ),
    )

    @classmethod
    def from_endpoint(cls, endpoint: Endpoint) -> EndpointForm:
        """Form with the stored values; header values are secret and not shown."""
        plain = ("url", "description", "events", "concurrency", "rate_per_minute", "max_body_bytes")
        allowed = text_of_allowances(endpoint.allowances)
        return cls(formdata=None, allowances=allowed, **{name: getattr(endpoint, name) for name in plain})

    def api_data(self, *, may_allow: bool) -> dict[str, Any]:
        """The typed values in the format of the API's request body."""
        data: dict[str, Any] = {
            "url": (self.url.data or "").strip(),
            "description": self.description.data or "",
            "events": self.events.data or [],
            "concurrency": self.concurrency.data,
            "rate_per_minute": self.rate_per_minute.data,
            "max_body_bytes": self.max_body_bytes.data,
        }
        if lines := list(lines_of(self.headers.data)):
            data["headers"] = {
                name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
        if may_allow:
            data["allowances"] = allowances_of(self.allowances.data)
        return data
