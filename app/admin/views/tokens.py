"""``/admin/settings/api``: list, creation, rotation, limits and revocation of API tokens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, g, render_template, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import EmailField, IntegerField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Length, Optional, StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts import users
from app.accounts.guards import SETTINGS, requires
from app.accounts.models.accounts import User
from app.accounts.models.tokens import (
    DEFAULT_CALLS_PER_MINUTE,
    DEFAULT_LIFETIME,
    DEFAULT_STATUS_CALLS_PER_MINUTE,
    LIFETIMES,
    AccessToken,
)
from app.accounts.ownership import actor, scope
from app.accounts.roles import ABILITIES, ROLES
from app.accounts.tokens import service as tokens
from app.admin.forms.base import Form, choices, submit
from app.admin.forms.fields import AllowlistField, day_labels, grace_field, name_field, rate_field
from app.admin.helpers import credential_status, redirect_with_errors, redirect_with_success
from app.admin.list_query import TextSearch, parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import TOKENS
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_
from app.kernel.outbound.public_address import whole_url

blp = Blueprint("tokens", __name__, url_prefix="/settings/api")

#: Ability -> path of an example call.
_EXAMPLE_PATHS = {
    "einvoices:read": "/api/v1/einvoices",
    "sales:read": "/api/sales/invoices/",
    "grn:read": "/api/invoices",
    "events:read": "/api/v1/events",
}


def _lifetimes() -> list[SelectChoice]:
    return choices(day_labels(*LIFETIMES))


def _abilities() -> list[SelectChoice]:
    return choices({name: name for name in ABILITIES if name in ROLES[g.user.role]})


def _require_one(_form: Form, field: SelectMultipleField) -> None:
    """Require at least one checkbox; ``InputRequired`` would make the browser require every one."""
    if not field.data:
        raise StopValidation(gettext("Choose at least one."))


def _status_rate_field() -> IntegerField:
    return rate_field(
        lazy_gettext("Status reports per minute"),
        DEFAULT_STATUS_CALLS_PER_MINUTE,
        lazy_gettext("They are part of the calls."),
    )


class TokenForm(Form):
    owner = EmailField(
        lazy_gettext("User"),
        [Optional(), Length(max=users.MAX_EMAIL_LENGTH)],
        description=lazy_gettext("The e-mail address of the user in whose name the token calls the API."),
    )
    name = name_field(lazy_gettext("The system that will use the token, for example web shop, accountant or ERP."))
    abilities = SelectMultipleField(
        lazy_gettext("Permissions"),
        [_require_one],
        choices=_abilities,
        widget=ListWidget(),
        option_widget=CheckboxInput(),
        description=lazy_gettext("Choose only the permissions that the system needs."),
    )
    days = SelectField(lazy_gettext("Expires after"), coerce=int, choices=_lifetimes, default=DEFAULT_LIFETIME)
    allowlist = AllowlistField()
    calls = rate_field(lazy_gettext("Calls per minute"), DEFAULT_CALLS_PER_MINUTE)
    status_calls = _status_rate_field()


class RotationForm(Form):
    grace = grace_field()


class LimitsForm(Form):
    allowlist = AllowlistField()
    calls = rate_field(lazy_gettext("Calls per minute"), DEFAULT_CALLS_PER_MINUTE)
    status_calls = _status_rate_field()


@blp.get("")
@requires(SETTINGS)
def index() -> str | Response:
    """The tokens of the viewer; an administrator sees everybody's."""
    filters = parse_filters(TextSearch())
    source = tokens.source(filters.values, scope=scope())
    return show_list("admin/tokens_list.html", TOKENS, source, filters, viewer_id=g.user.id, **_dialogs())


@blp.route("/new", methods=["GET", "POST"])
@requires(SETTINGS)
def new() -> str | Response:
    """Create a token of the viewer, or an administrator one of another user; only this response shows it."""
    form = TokenForm(owner=g.user.email)
    created = submit(form, lambda: _create(form)) if form.validate_on_submit() else None
    if created is None:
        return render_template("admin/tokens_new.html", form=form, descriptions=ABILITIES)
    return _show_once(*created, title=gettext("API token created"))


@blp.post("/<int:token_id>/rotate")
@requires(SETTINGS)
def rotate(token_id: int) -> str | Response:
    """Create a new secret for a token of the viewer; only this response shows it."""
    form = RotationForm()
    if not form.validate_on_submit():
        return redirect_with_errors(form, "admin.tokens.index")
    grace = timedelta(hours=form.grace.data)
    token, plain = tokens.rotate(token_id, scope=g.user.id, actor=actor(), grace=grace)
    return _show_once(token, plain, title=gettext("New secret created"))


@blp.post("/<int:token_id>/limits")
@requires(SETTINGS)
def limits(token_id: int) -> Response:
    """Change the allowlist and the rate limits of a token."""
    form = LimitsForm()
    if not form.validate_on_submit():
        return redirect_with_errors(form, "admin.tokens.index")
    calls, status_calls = form.calls.data or 0, form.status_calls.data or 0
    rates = {"calls": calls, "status_calls": status_calls}
    tokens.change_limits(token_id, **rates, allowlist=form.allowlist.entries, scope=scope(), actor=actor())
    return redirect_with_success(gettext("Saved."), "admin.tokens.index")


@blp.post("/<int:token_id>/revoke")
@requires(SETTINGS)
def revoke(token_id: int) -> Response:
    """Revoke a token."""
    token = tokens.revoke(token_id, scope=scope(), actor=actor())
    return redirect_with_success(gettext("%(name)s is revoked.", name=token.name), "admin.tokens.index")


def _dialogs() -> dict[str, Any]:
    return {
        "rotation": RotationForm(formdata=None),
        "limits": LimitsForm(formdata=None),
        "shown_prefix": tokens.shown_prefix,
        "credential_status": credential_status,
        "now": clock.now(),
    }


def _create(form: TokenForm) -> tuple[AccessToken, str]:
    return tokens.create(
        _owner(form),
        name=form.name.data or "",
        abilities=form.abilities.data or (),
        actor=actor(),
        days=form.days.data,
        allowlist=form.allowlist.entries,
        calls=form.calls.data or 0,
        status_calls=form.status_calls.data or 0,
    )


def _owner(form: TokenForm) -> User:
    """The user of the token: the viewer, or whom an administrator chose.

    Raises:
        Invalid: there is no such user.
    """
    viewer: User = g.user
    if viewer.role != "admin" or not form.owner.data:
        return viewer
    found = users.find_user(form.owner.data)
    if found is None:
        raise Invalid({"owner": [N_("No such user.")]})
    return found


def _show_once(token: AccessToken, plain: str, *, title: str) -> str:
    path = next((path for ability, path in _EXAMPLE_PATHS.items() if ability in token.abilities), "/api/v1/einvoices")
    return render_template(
        "admin/shown_once.html",
        title=title,
        name=token.name,
        label=gettext("Token"),
        secret=plain,
        curl=f'curl -sS -H "Authorization: Bearer {plain}" "{whole_url(path)}"',
        back_url=url_for("admin.tokens.index"),
        back_text=gettext("API tokens"),
    )
