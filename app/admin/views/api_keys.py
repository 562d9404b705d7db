"""``/admin/settings/keys``: list, creation, rotation, IP allowlist and revocation of API keys for sales imports."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, current_app, render_template, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from app.accounts.credentials import api_keys
from app.accounts.guards import ADMINISTRATION, requires
from app.accounts.models.accounts import ApiKey
from app.accounts.ownership import actor
from app.admin.forms.base import Form, choices, submit
from app.admin.forms.fields import AllowlistField, day_labels, grace_field, name_field
from app.admin.helpers import credential_status, redirect_with_errors, redirect_with_success
from app.admin.list_query import TextSearch, parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import KEYS
from app.kernel.outbound.public_address import whole_url

blp = Blueprint("api_keys", __name__, url_prefix="/settings/keys")
#: Choices of the lifetime in days; 0 means no end.
_LIFETIMES = (90, 180, 365)


def _lifetimes() -> list[SelectChoice]:
    return choices({0: gettext("never"), **day_labels(*_LIFETIMES)})


class KeyForm(Form):
    name = name_field(lazy_gettext("The system that will use the key."))
    days = SelectField(lazy_gettext("Expires after"), coerce=int, choices=_lifetimes, default=0)
    allowlist = AllowlistField()


class RotationForm(Form):
    grace = grace_field()


class AllowlistForm(Form):
    allowlist = AllowlistField()


@blp.get("")
@requires(ADMINISTRATION)
def index() -> str | Response:
    """All keys; the keys of the environment have no database row and are only counted."""
    filters = parse_filters(TextSearch())
    return show_list(
        "admin/api_keys_list.html",
        KEYS,
        api_keys.source(filters.values),
        filters,
        environment_keys=len(current_app.config["SALES_IMPORT_API_KEYS"]),
        rotation=RotationForm(formdata=None),
        allowlist=AllowlistForm(formdata=None),
        credential_status=credential_status,
    )


@blp.route("/new", methods=["GET", "POST"])
@requires(ADMINISTRATION)
def new() -> str | Response:
    """Create a key; only this response shows it."""
    form = KeyForm()
    created = submit(form, lambda: _create(form)) if form.validate_on_submit() else None
    if created is None:
        return render_template("admin/api_keys_new.html", form=form)
    return _show_once(*created, title=gettext("Import key created"))


@blp.post("/<int:key_id>/rotate")
@requires(ADMINISTRATION)
def rotate(key_id: int) -> str | Response:
    """Create a key that replaces another one; only this response shows it."""
    form = RotationForm()
    if not form.validate_on_submit():
        return redirect_with_errors(form, "admin.api_keys.index")
    key, plain = api_keys.rotate(key_id, actor=actor(), grace=timedelta(hours=form.grace.data))
    return _show_once(key, plain, title=gettext("New import key created"))


@blp.post("/<int:key_id>/allowlist")
@requires(ADMINISTRATION)
def allowlist(key_id: int) -> Response:
    """Change the IP allowlist of a key."""
    form = AllowlistForm()
    if not form.validate_on_submit():
        return redirect_with_errors(form, "admin.api_keys.index")
    api_keys.change_allowlist(key_id, form.allowlist.entries, actor=actor())
    return redirect_with_success(gettext("Saved."), "admin.api_keys.index")


@blp.post("/<int:key_id>/revoke")
@requires(ADMINISTRATION)
def revoke(key_id: int) -> Response:
    """Revoke a key."""
    key = api_keys.revoke(key_id, actor=actor())
    return redirect_with_success(gettext("%(name)s is revoked.", name=key.name), "admin.api_keys.index")


def _create(form: KeyForm) -> tuple[ApiKey, str]:
    lifetime = timedelta(days=form.days.data) if form.days.data else None
    name, allowed = form.name.data or "", form.allowlist.entries
    return api_keys.create(name=name, actor=actor(), allowlist=allowed, lifetime=lifetime)


def _show_once(key: ApiKey, plain: str, *, title: str) -> str:
    url = whole_url("/api/sales/invoices/")
    return render_template(
        "admin/shown_once.html",
        title=title,
        name=key.name,
        label=gettext("Key"),
        secret=plain,
        curl=f'curl -sS -H "X-API-KEY: {plain}" "{url}"',
        back_url=url_for("admin.api_keys.index"),
        back_text=gettext("Import keys"),
    )
