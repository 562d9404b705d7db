"""``/admin/settings/seller``: seller profile of the viewer's e-invoices, with logo and defaults."""

from __future__ import annotations

import unicodedata
from io import BytesIO

from flask import Blueprint, g, render_template, request, send_file
from flask_babel import get_locale, gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import (
    BooleanField,
    EmailField,
    FileField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TelField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Optional, Regexp
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.guards import SETTINGS, requires
from app.accounts.ownership import actor
from app.admin.forms.base import Form, choices, submit
from app.admin.forms.fields import NumberField
from app.admin.helpers import redirect_with_errors, redirect_with_success
from app.einvoices import sellers
from app.einvoices.currencies import CURRENCIES
from app.einvoices.models.legal_fields import TaxRule
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.formats.countries import TIMEZONES
from app.formats.tax_numbers import TaxScheme
from app.kernel import time_zones
from app.kernel.errors import NotFound
from app.languages import LANGUAGES
from app.rules.profiles import LegalProfile

blp = Blueprint("seller", __name__, url_prefix="/settings/seller")
_LOGO_RULE = lazy_gettext("PNG or JPEG, at most 256 KiB. Printed on e-invoices that are issued from now on.")
#: Between the name of an object and that of its part.
_PART = "__"
_PROFILES = {
    LegalProfile.EN16931: lazy_gettext("EN 16931 (UBL)"),
    LegalProfile.PEPPOL: lazy_gettext("Peppol BIS Billing 3"),
    LegalProfile.FACTUR_X: lazy_gettext("Factur-X, ZUGFeRD"),
    LegalProfile.UBL_TR: lazy_gettext("Türkiye (UBL-TR)"),
    LegalProfile.INV01: lazy_gettext("India (INV-01)"),
}
_TAX_RULES = {
    TaxRule.PER_RATE.value: lazy_gettext("VAT once for each rate"),
    TaxRule.GST_ITEM.value: lazy_gettext("GST for each item"),
}
_PROVIDERS = {
    "null": lazy_gettext("none: e-invoices are not sent"),
    "simulator": lazy_gettext("simulator, for tests"),
    "http": lazy_gettext("the provider from the server settings"),
}


def _providers() -> list[SelectChoice]:
    return choices({name: _PROVIDERS.get(name, name) for name in PROVIDER_NAMES})


def _countries() -> list[SelectChoice]:
    names = get_locale().territories
    return choices({"": "", **dict(sorted(((code, names[code]) for code in TIMEZONES), key=_name_of_choice))})


def _name_of_choice(choice: tuple[str, str]) -> str:
    return unicodedata.normalize("NFKD", choice[1]).casefold()


def _timezones() -> list[SelectChoice]:
    return choices({"": gettext("that of the country"), **{name: name for name in time_zones.names()}})


class SellerForm(Form):
    name = StringField(lazy_gettext("Company name"), [InputRequired(), Length(max=300)])
    tax_id = StringField(lazy_gettext("Tax number"), [Length(max=50)])
    tax_office = StringField(lazy_gettext("Tax office"), [Length(max=100)])
    address = TextAreaField(lazy_gettext("Address"), [Length(max=1000)])
    email = EmailField(lazy_gettext("E-mail address"), [Length(max=254)])
    phone = TelField(lazy_gettext("Phone"), [Length(max=50)])
    website = StringField(lazy_gettext("Website"), [Length(max=200)])
    bank = StringField(lazy_gettext("Bank account"), [Length(max=300)])
    footer = TextAreaField(
        lazy_gettext("Footer of the invoice"), [Length(max=1000)], description=lazy_gettext("Printed on each page.")
    )
    prefix = StringField(
        lazy_gettext("Number prefix"),
        [
            InputRequired(),
            Regexp(r"^[A-Z0-9]{1,10}$", message=lazy_gettext("Use 1 to 10 capital letters A to Z and digits.")),
        ],
        description=lazy_gettext("Prefix EA gives numbers like EA-2026-000001. A new prefix starts a new series."),
    )
    language = SelectField(lazy_gettext("Language of the PDF"), choices=choices(LANGUAGES))
    currency = SelectField(lazy_gettext("Currency"), choices=sorted(CURRENCIES))
    default_vat_rate = NumberField(lazy_gettext("Default VAT rate, percent"), [InputRequired(), NumberRange(0, 100)])
    country = SelectField(lazy_gettext("Country"), [InputRequired()], choices=_countries)
    timezone = SelectField(
        lazy_gettext("Time zone"),
        choices=_timezones,
        description=lazy_gettext("Issue dates and the years of numbers are days of this time zone."),
    )
    legal_profiles = SelectMultipleField(
        lazy_gettext("Legal documents that each e-invoice must be ready for"),
        choices=choices({each.value: _PROFILES[each] for each in LegalProfile}),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    tax_scheme = SelectField(
        lazy_gettext("Kind of tax number"),
        validate_choice=False,  # the stored value may be none; the service checks it
        choices=choices({"": lazy_gettext("as its form tells"), **{each.value: each.upper() for each in TaxScheme}}),
    )
    tax_rule = SelectField(lazy_gettext("Tax rule"), choices=choices(_TAX_RULES))
    payment_days = IntegerField(
        lazy_gettext("Days until the payment is due"), [Optional(), NumberRange(0, sellers.MAX_PAYMENT_DAYS)]
    )
    trade_name = StringField(lazy_gettext("Trade name"), [Length(max=300)])
    first_name = StringField(lazy_gettext("First name"), [Length(max=100)])
    family_name = StringField(lazy_gettext("Family name"), [Length(max=100)])
    contact_name = StringField(lazy_gettext("Contact person"), [Length(max=200)])
    prices_include_vat = BooleanField(lazy_gettext("The prices of sales invoices include VAT"))
    provider = SelectField(lazy_gettext("Provider"), choices=_providers)

    endpoint__scheme = StringField(lazy_gettext("Scheme of the electronic address"), [Length(max=10)])
    endpoint__value = StringField(lazy_gettext("Electronic address"), [Length(max=100)])
    postal_address__street = StringField(lazy_gettext("Street"), [Length(max=300)])
    postal_address__building = StringField(lazy_gettext("Building number"), [Length(max=50)])
    postal_address__district = StringField(lazy_gettext("District"), [Length(max=100)])
    postal_address__city = StringField(lazy_gettext("City"), [Length(max=100)])
    postal_address__postcode = StringField(lazy_gettext("Postcode"), [Length(max=20)])
    postal_address__region = StringField(lazy_gettext("State or province"), [Length(max=100)])
    payment__iban = StringField(lazy_gettext("IBAN"), [Length(max=50)])
    payment__bic = StringField(lazy_gettext("BIC"), [Length(max=20)])
    payment__holder = StringField(lazy_gettext("Account holder"), [Length(max=200)])


class LogoForm(Form):
    logo = FileField(lazy_gettext("Image file"), description=_LOGO_RULE)


@blp.route("", methods=["GET", "POST"])
@requires(SETTINGS)
def show() -> str | Response:
    """Form of the seller profile."""
    profile = sellers.profile_of(g.user.id)
    form = SellerForm(obj=profile, data=_stored_facts(profile))
    if form.validate_on_submit() and submit(form, lambda: _save(form)):
        return redirect_with_success(
            gettext("Saved. E-invoices that are already issued do not change."), "admin.seller.show"
        )
    return render_template(
        "admin/seller_show.html", form=form, logo=LogoForm(formdata=None), sha256=profile.logo_sha256
    )


@blp.get("/logo")
@requires(SETTINGS)
def logo() -> Response:
    """Image of the current logo."""
    stored = sellers.logo_of(g.user.id)
    if stored is None:
        raise NotFound
    return send_file(BytesIO(stored.content), mimetype=stored.media_type)


@blp.post("/logo")
@requires(SETTINGS)
def save_logo() -> Response:
    """Store a new logo; it is printed from now on."""
    form, file = LogoForm(), request.files.get("logo")
    if not form.validate_on_submit():
        return redirect_with_errors(form, "admin.seller.show")
    sellers.save_logo(g.user.id, file.read() if file else b"", actor=actor())
    return redirect_with_success(gettext("Saved."), "admin.seller.show")


@blp.post("/logo/remove")
@requires(SETTINGS)
def remove_logo() -> Response:
    """Remove the logo; no logo is printed from now on."""
    sellers.save_logo(g.user.id, None, actor=actor())
    return redirect_with_success(gettext("Saved."), "admin.seller.show")


def _stored_facts(profile: SellerProfile) -> dict[str, object]:
    """The inputs of facts for legal formats; ``endpoint__value`` is a part of ``endpoint``."""
    facts = profile.legal or {}
    nested = {
        f"{name}{_PART}{part}": value
        for name, parts in facts.items()
        if isinstance(parts, dict)
        for part, value in parts.items()
    }
    return {**facts, **nested, "legal_profiles": profile.legal_profiles or []}


def _save(form: SellerForm) -> object:
    typed = {name: value for name, value in form.data.items() if name != "csrf_token"}
    values = {name: "" if value is None else value for name, value in typed.items() if _PART not in name}
    values |= {"tax_scheme": typed["tax_scheme"] or None, "payment_days": typed["payment_days"]}
    stored = sellers.profile_of(g.user.id).legal or {}
    for name in {name.partition(_PART)[0] for name in typed if _PART in name}:
        # The page does not have all parts: the additional line of an address, the means of payment.
        shown = {part: typed[f"{name}{_PART}{part}"] or "" for part in _parts_of(name)}
        parts = {part: value for part, value in {**stored.get(name, {}), **shown}.items() if value}
        values[name] = parts or None
    return sellers.save(g.user.id, actor=actor(), **values)


def _parts_of(name: str) -> list[str]:
    fields = (field for field in vars(SellerForm) if field.startswith(f"{name}{_PART}"))
    return [field.partition(_PART)[2] for field in fields]
