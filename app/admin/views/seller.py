"""``/admin/settings/seller``: what the viewer's own e-invoices say about the seller, and what fills them in."""

from __future__ import annotations

from io import BytesIO

from flask import Blueprint, g, render_template, request, send_file
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import DecimalField, EmailField, FileField, SelectField, StringField, TelField, TextAreaField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, NumberRange, Regexp

from app.accounts.guards import SETTINGS, requires
from app.admin.forms.base import Form, accepted, choices
from app.admin.helpers import done, not_done
from app.einvoices import sellers
from app.einvoices.currencies import CURRENCIES
from app.einvoices.providers.clients import PROVIDER_NAMES
from app.kernel.errors import NotFound
from app.languages import LANGUAGES

blp = Blueprint("seller", __name__, url_prefix="/settings/seller")
_PREFIX_RULE = lazy_gettext("Use 1 to 10 capital letters A to Z and digits.")
_LOGO_RULE = lazy_gettext("PNG or JPEG, at most 256 KiB. Printed on what is issued from now on.")
_TIMEZONES = sellers.timezones()


_PROVIDERS = {
    "null": lazy_gettext("none: e-invoices stay here"),
    "simulator": lazy_gettext("simulator, to try things out"),
    "http": lazy_gettext("the provider in the settings of the hub"),
}


def _providers() -> list[SelectChoice]:
    return choices({name: _PROVIDERS.get(name, name) for name in PROVIDER_NAMES})


class SellerForm(Form):
    name = StringField(lazy_gettext("Name of the company"), [InputRequired(), Length(max=300)])
    tax_id = StringField(lazy_gettext("Tax number"), [Length(max=50)])
    tax_office = StringField(lazy_gettext("Tax office"), [Length(max=100)])
    address = TextAreaField(lazy_gettext("Address"), [Length(max=1000)])
    email = EmailField(lazy_gettext("E-mail address"), [Length(max=254)])
    phone = TelField(lazy_gettext("Phone"), [Length(max=50)])
    website = StringField(lazy_gettext("Website"), [Length(max=200)])
    bank = StringField(lazy_gettext("Bank account"), [Length(max=300)])
    footer = TextAreaField(
        lazy_gettext("Last line of an invoice"), [Length(max=1000)], description=lazy_gettext("Printed on each page.")
    )
    prefix = StringField(
        lazy_gettext("Prefix of the numbers"),
        [
            InputRequired(),
            Regexp(r"^[A-Z0-9]{1,10}$", message=lazy_gettext("Use 1 to 10 capital letters A to Z and digits.")),
        ],
        description=lazy_gettext("EA makes EA-2026-000001. A new prefix begins a new series."),
    )
    language = SelectField(lazy_gettext("Language of the PDF"), choices=choices(LANGUAGES))
    currency = SelectField(lazy_gettext("Currency"), choices=sorted(CURRENCIES))
    default_vat_rate = DecimalField(
        lazy_gettext("Usual VAT rate, percent"), [InputRequired(), NumberRange(0, 100)], places=2
    )
    timezone = SelectField(lazy_gettext("Time zone"), choices=_TIMEZONES)
    provider = SelectField(lazy_gettext("Provider"), choices=_providers)


class LogoForm(Form):
    logo = FileField(lazy_gettext("Picture"), description=_LOGO_RULE)


@blp.route("", methods=["GET", "POST"])
@requires(SETTINGS)
def show() -> str | Response:
    """The seller as the viewer's e-invoices show it."""
    profile = sellers.profile_of(g.user.id)
    form = SellerForm(obj=profile)
    if form.validate_on_submit() and accepted(form, lambda: _save(form)):
        return done("admin.seller.show", gettext("Saved. What was issued already stays as it is."))
    return render_template("admin/seller.html", form=form, logo=LogoForm(formdata=None), sha256=profile.logo_sha256)


@blp.get("/logo")
@requires(SETTINGS)
def logo() -> Response:
    """The picture that is printed now."""
    found = sellers.logo_of(g.user.id)
    if found is None:
        raise NotFound
    return send_file(BytesIO(found.content), mimetype=found.media_type)


@blp.post("/logo")
@requires(SETTINGS)
def save_logo() -> Response:
    """Print another picture from now on."""
    form, file = LogoForm(), request.files.get("logo")
    if not form.validate_on_submit():
        return not_done("admin.seller.show", form)
    sellers.save_logo(g.user.id, file.read() if file else b"")
    return done("admin.seller.show", gettext("Saved."))


@blp.post("/logo/remove")
@requires(SETTINGS)
def remove_logo() -> Response:
    """Print none from now on."""
    sellers.save_logo(g.user.id, None)
    return done("admin.seller.show", gettext("Saved."))


def _save(form: SellerForm) -> object:
    facts = {name: value for name, value in form.data.items() if name != "csrf_token"}
    return sellers.save(g.user.id, **{name: "" if value is None else value for name, value in facts.items()})
