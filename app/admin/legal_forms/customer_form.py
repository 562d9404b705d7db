"""Form of a customer: contact, address, and what legal documents need."""

from __future__ import annotations

from typing import Any

from flask_babel import lazy_gettext
from wtforms import EmailField, HiddenField, SelectField, StringField, TelField
from wtforms.validators import InputRequired, Length

from app.admin.forms.base import Form, choices
from app.formats.countries import TIMEZONES
from app.formats.tax_numbers import TaxScheme
from app.sales.models.masters import Customer

_NO_DATA = frozenset({"csrf_token", "version"})


def _countries() -> list[Any]:
    return choices({"": lazy_gettext("not known"), **{code: code for code in sorted(TIMEZONES)}})


class CustomerForm(Form):
    #: When the customer was changed before the page was opened.
    version = HiddenField()
    name = StringField(lazy_gettext("Name"), [InputRequired(), Length(max=200)])
    area = StringField(lazy_gettext("Area"), [Length(max=200)])
    phone1 = TelField(lazy_gettext("Phone"), [Length(max=50)])
    phone2 = TelField(lazy_gettext("Second phone"), [Length(max=50)])
    email = EmailField(lazy_gettext("E-mail address"), [Length(max=254)])
    address1 = StringField(lazy_gettext("Street"), [Length(max=300)])
    address2 = StringField(lazy_gettext("Additional line"), [Length(max=300)])
    address3 = StringField(lazy_gettext("Third line"), [Length(max=300)])
    pincode = StringField(lazy_gettext("Postcode"), [Length(max=20)])
    district = StringField(lazy_gettext("District"), [Length(max=100)])
    city = StringField(lazy_gettext("City"), [Length(max=100)])
    region = StringField(lazy_gettext("State or province"), [Length(max=100)])
    country = SelectField(lazy_gettext("Country"), choices=_countries)
    tax_id = StringField(lazy_gettext("Tax number"), [Length(max=50)])
    tax_scheme = SelectField(
        lazy_gettext("Kind of tax number"),
        choices=choices({"": lazy_gettext("as its form tells"), **{each.value: each.upper() for each in TaxScheme}}),
    )
    tax_office = StringField(lazy_gettext("Tax office"), [Length(max=100)])
    endpoint = StringField(lazy_gettext("Electronic address"), [Length(max=100)])
    endpoint_scheme = StringField(lazy_gettext("Scheme of the electronic address"), [Length(max=10)])

    @classmethod
    def from_customer(cls, customer: Customer) -> CustomerForm:
        """The form with the stored values."""
        stored = {name: getattr(customer, name) for name in cls(formdata=None).api_data()}
        return cls(formdata=None, version=version_of(customer), **stored)

    def api_data(self) -> dict[str, Any]:
        """The typed values as the body of a request."""
        return {field.name: (field.data or "").strip() for field in self if field.name not in _NO_DATA}


def version_of(customer: Customer) -> str:
    """What tells whether somebody changed the customer meanwhile."""
    return customer.updated_at.isoformat()
