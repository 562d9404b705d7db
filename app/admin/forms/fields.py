"""Fields that several forms have: addresses one to a line, names, hours of grace."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext, lazy_gettext, ngettext
from wtforms import IntegerField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange

from app.accounts import display_names
from app.accounts.credentials import ip_allowlist
from app.accounts.models.tokens import MAX_CALLS_PER_MINUTE
from app.admin.forms.base import choices
from app.kernel.errors import Invalid

#: Hours for which the old secret goes on after a rotation.
GRACES = (0, 1, 24, 72, 168)
_DAY = 24


class AllowlistField(TextAreaField):
    """Addresses and networks, one to a line; ``entries`` is what was typed."""

    def __init__(self, **kwargs: Any) -> None:
        label = lazy_gettext("May be used from")
        hint = lazy_gettext(
            "IP addresses and networks such as 192.0.2.7 or 10.1.0.0/16, one to a line. Empty: anywhere."
        )
        super().__init__(label, description=hint, **kwargs)

    @property
    def entries(self) -> list[str]:
        return [line.strip() for line in (self.data or "").splitlines() if line.strip()]

    def pre_validate(self, form: Any) -> None:
        for entry in self.entries:
            try:
                ip_allowlist.parse_networks([entry])
            except Invalid as error:
                told = gettext("%(entry)s is neither an address nor a network.", entry=entry)
                raise ValidationError(told) from error
        if len(self.entries) > ip_allowlist.MAX_ENTRIES:
            raise ValidationError(gettext("Use at most %(most)s lines.", most=ip_allowlist.MAX_ENTRIES))


def name_field(hint: Any) -> StringField:
    """What people call a token, a key or a person."""
    return StringField(
        lazy_gettext("Name"), [InputRequired(), Length(max=display_names.MAX_NAME_LENGTH)], description=hint
    )


def rate_field(label: Any, usual: int) -> IntegerField:
    """Calls in a minute."""
    return IntegerField(label, [InputRequired(), NumberRange(1, MAX_CALLS_PER_MINUTE)], default=usual)


def grace_field() -> SelectField:
    """How long the old secret goes on."""
    return SelectField(lazy_gettext("The old one works for"), coerce=int, choices=graces, default=_DAY)


def graces() -> list[SelectChoice]:
    """Hours and what people call them."""
    return choices({hours: _time(hours) for hours in GRACES})


def days_of(*days: int) -> dict[int, str]:
    """Numbers of days and what people call them."""
    return {number: str(ngettext("%(num)s day", "%(num)s days", number)) for number in days}


def _time(hours: int) -> str:
    if not hours:
        return str(gettext("no time: it stops at once"))
    if hours < _DAY:
        return str(ngettext("%(num)s hour", "%(num)s hours", hours))
    return days_of(hours // _DAY)[hours // _DAY]
