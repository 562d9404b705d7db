"""``/admin/settings/keys``: API keys for imports of sales invoices, made, shown once, rotated, tied down, revoked."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, current_app, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from app.accounts.credentials import api_keys
from app.accounts.guards import ADMINISTRATION, requires
from app.accounts.models.accounts import ApiKey
from app.accounts.ownership import actor
from app.admin.forms.base import Form, accepted, choices
from app.admin.forms.fields import AllowlistField, days_of, grace_field, name_field
from app.admin.helpers import done, not_done, standing

blp = Blueprint("keys", __name__, url_prefix="/settings/keys")
#: Days after which a key may end; 0 stands for never.
_LIFETIMES = (90, 180, 365)


def _lifetimes() -> list[SelectChoice]:
    return choices({0: gettext("never"), **days_of(*_LIFETIMES)})


class KeyForm(Form):
    name = name_field(lazy_gettext("Which system will use it."))
    days = SelectField(lazy_gettext("Ends after"), coerce=int, choices=_lifetimes, default=0)
    allowlist = AllowlistField()


class RotationForm(Form):
    grace = grace_field()


class AllowlistForm(Form):
    allowlist = AllowlistField()


@blp.get("")
@requires(ADMINISTRATION)
def show() -> str:
    """All keys; those of the environment are only counted, for they have no row."""
    return render_template(
        "admin/keys.html",
        found=api_keys.list_keys(),
        fixed=len(current_app.config["SALES_IMPORT_API_KEYS"]),
        rotation=RotationForm(formdata=None),
        addresses=AllowlistForm(formdata=None),
        standing=standing,
    )


@blp.route("/new", methods=["GET", "POST"])
@requires(ADMINISTRATION)
def new() -> str | Response:
    """Make a key; the answer shows it, and nothing else ever will."""
    form = KeyForm()
    made = accepted(form, lambda: _make(form)) if form.validate_on_submit() else None
    if made is None:
        return render_template("admin/key_new.html", form=form)
    return _shown_once(*made, title=gettext("The key is made"))


@blp.post("/<int:key_id>/rotate")
@requires(ADMINISTRATION)
def rotate(key_id: int) -> str | Response:
    """Make the key that takes another one's place; the answer shows it."""
    form = RotationForm()
    if not form.validate_on_submit():
        return not_done("admin.keys.show", form)
    key, plain = api_keys.rotate(key_id, actor=actor(), grace=timedelta(hours=form.grace.data))
    return _shown_once(key, plain, title=gettext("The new key is made"))


@blp.post("/<int:key_id>/allowlist")
@requires(ADMINISTRATION)
def allowlist(key_id: int) -> Response:
    """Tie a key to other addresses."""
    form = AllowlistForm()
    if not form.validate_on_submit():
        return not_done("admin.keys.show", form)
    api_keys.change_allowlist(key_id, form.allowlist.entries, actor=actor())
    return done("admin.keys.show", gettext("Saved."))


@blp.post("/<int:key_id>/revoke")
@requires(ADMINISTRATION)
def revoke(key_id: int) -> Response:
    """Make a key useless from now on."""
    key = api_keys.revoke(key_id, actor=actor())
    return done("admin.keys.show", gettext("%(name)s is revoked: it opens nothing any more.", name=key.name))


def _make(form: KeyForm) -> tuple[ApiKey, str]:
    lifetime = timedelta(days=form.days.data) if form.days.data else None
    name, allowed = form.name.data or "", form.allowlist.entries
    return api_keys.create(name=name, actor=actor(), allowlist=allowed, lifetime=lifetime)


def _shown_once(key: ApiKey, plain: str, *, title: str) -> str:
    address = f"{request.url_root.rstrip('/')}/api/sales/invoices/"
    return render_template(
        "admin/shown_once.html",
        title=title,
        name=key.name,
        what=gettext("Key"),
        plain=plain,
        curl=f'curl -sS -H "X-API-KEY: {plain}" "{address}"',
        back=url_for("admin.keys.show"),
        page=gettext("Import keys"),
    )
