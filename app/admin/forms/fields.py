"""Form fields that several forms share: IP allowlist, number, name, rate limit, grace period."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext
from wtforms import DecimalField, IntegerField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange

from app.accounts import display_names
from app.accounts.credentials import ip_allowlist
from app.accounts.models.tokens import MAX_CALLS_PER_MINUTE
from app.admin.forms.base import choices
from app.admin.forms.number_input import UNREADABLE, read_number, typed_number
from app.kernel.errors import Invalid

#: Choices of the grace period in hours: how long the old secret stays valid after a rotation.
GRACE_HOURS = (0, 1, 24, 72, 168)
_HOURS_PER_DAY = 24


class AllowlistField(TextAreaField):
    """IP addresses and networks, one per line."""

    def __init__(self, **kwargs: Any) -> None:
        label = lazy_gettext("Allowed IP addresses")
        hint = lazy_gettext(
            "IP addresses and networks, one per line, for example 192.0.2.7 or 10.1.0.0/16. Empty: all addresses."
        )
        super().__init__(label, description=hint, **kwargs)

    @property
    def entries(self) -> list[str]:
        """Lines as typed, without blank ones."""
        return [line.strip() for line in (self.data or "").splitlines() if line.strip()]

    def pre_validate(self, form: Any) -> None:
        for entry in self.entries:
            try:
                ip_allowlist.parse_networks([entry])
            except Invalid as error:
                message = gettext("%(entry)s is neither an address nor a network.", entry=entry)
                raise ValidationError(message) from error
        if len(self.entries) > ip_allowlist.MAX_ENTRIES:
            raise ValidationError(gettext("Use at most %(limit)s lines.", limit=ip_allowlist.MAX_ENTRIES))


class NumberField(DecimalField):
    """A number as the viewer's language writes it: ``18,5`` in Turkish."""

    def _value(self) -> str:
        if self.raw_data:
            return str(self.raw_data[0])
        return "" if self.data is None else typed_number(self.data)

    def process_formdata(self, valuelist: Sequence[str]) -> None:
        """Raises ``ValueError`` if the text is no number."""
        text = valuelist[0] if valuelist else ""
        number = read_number(text) if text.strip() else None
        self.data = None if number is UNREADABLE else number
        if number is UNREADABLE:
            raise ValueError(gettext("Not a valid decimal value."))


def name_field(hint: Any) -> StringField:
    """Name of a token, an API key or a user."""
    return StringField(
        lazy_gettext("Name"), [InputRequired(), Length(max=display_names.MAX_NAME_LENGTH)], description=hint
    )


def rate_field(label: Any, default: int, description: Any = "") -> IntegerField:
    """Rate limit in calls per minute."""
    limits = [InputRequired(), NumberRange(1, MAX_CALLS_PER_MINUTE)]
    return IntegerField(label, limits, default=default, description=description)


def grace_field() -> SelectField:
    """Grace period of a rotation, in hours."""
    return SelectField(
        lazy_gettext("Old secret stays valid for"), coerce=int, choices=grace_choices, default=_HOURS_PER_DAY
    )


def grace_choices() -> list[SelectChoice]:
    """Choices of the grace period: hours and their text."""
    return choices({hours: _duration_label(hours) for hours in GRACE_HOURS})


def day_labels(*days: int) -> dict[int, str]:
    """Numbers of days -> their text."""
    return {number: str(ngettext("%(num)s day", "%(num)s days", number)) for number in days}


def _duration_label(hours: int) -> str:
    if not hours:
        return str(gettext("0 hours (it stops immediately)"))
    if hours < _HOURS_PER_DAY:
        return str(ngettext("%(num)s hour", "%(num)s hours", hours))
    return day_labels(hours // _HOURS_PER_DAY)[hours // _HOURS_PER_DAY]
