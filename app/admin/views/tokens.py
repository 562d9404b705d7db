"""``/admin/settings/api``: tokens for machines, made, shown once, rotated, limited and revoked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import Blueprint, g, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import StopValidation
from wtforms.widgets import CheckboxInput, ListWidget

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
from app.admin.forms.base import Form, accepted, choices
from app.admin.forms.fields import AllowlistField, days_of, grace_field, name_field, rate_field
from app.admin.helpers import done, not_done, standing
from app.admin.list_query import parse_filters
from app.kernel import clock
from app.kernel.pagination.keyset import KeysetQuery

blp = Blueprint("tokens", __name__, url_prefix="/settings/api")

#: What a first call may be, by the ability that it needs.
_FIRST_CALLS = {
    "einvoices:read": "/api/v1/einvoices",
    "sales:read": "/api/sales/invoices/",
    "grn:read": "/api/invoices",
    "events:read": "/api/v1/events",
}


def _lifetimes() -> list[SelectChoice]:
    return choices(days_of(*LIFETIMES))


def _abilities() -> list[SelectChoice]:
    return choices({name: name for name in ABILITIES if name in ROLES[g.user.role]})


def _something(_form: Form, field: SelectMultipleField) -> None:
    """WTForms' own validator would have the browser ask for every box to be ticked."""
    if not field.data:
        raise StopValidation(gettext("Choose at least one."))


class TokenForm(Form):
    name = name_field(lazy_gettext("Who will use it, such as: web shop, accountant, ERP."))
    abilities = SelectMultipleField(
        lazy_gettext("What it may do"),
        [_something],
        choices=_abilities,
        widget=ListWidget(),
        option_widget=CheckboxInput(),
        description=lazy_gettext("Give it what it needs and nothing more."),
    )
    days = SelectField(lazy_gettext("Ends after"), coerce=int, choices=_lifetimes, default=DEFAULT_LIFETIME)
    allowlist = AllowlistField()
    calls = rate_field(lazy_gettext("Calls per minute"), DEFAULT_CALLS_PER_MINUTE)
    status_calls = rate_field(lazy_gettext("Of these, reports of a status"), DEFAULT_STATUS_CALLS_PER_MINUTE)


class RotationForm(Form):
    grace = grace_field()


class LimitsForm(Form):
    calls = rate_field(lazy_gettext("Calls per minute"), DEFAULT_CALLS_PER_MINUTE)
    status_calls = rate_field(lazy_gettext("Of these, reports of a status"), DEFAULT_STATUS_CALLS_PER_MINUTE)


@blp.get("")
@requires(SETTINGS)
def show() -> str:
    """The tokens of the viewer; an administrator sees everybody's."""
    query = parse_filters(KeysetQuery())
    found = tokens.find_page(query.values, scope=scope())
    return render_template("admin/tokens.html", found=found, mine=g.user.id, **_dialogs())


@blp.route("/new", methods=["GET", "POST"])
@requires(SETTINGS)
def new() -> str | Response:
    """Make a token of the viewer; the answer shows it, and nothing else ever will."""
    form = TokenForm()
    made = accepted(form, lambda: _make(form)) if form.validate_on_submit() else None
    if made is None:
        return render_template("admin/token_new.html", form=form, explained=ABILITIES)
    return _shown_once(*made, title=gettext("The token is made"))


@blp.post("/<int:token_id>/rotate")
@requires(SETTINGS)
def rotate(token_id: int) -> str | Response:
    """Give a token of the viewer a new secret; the answer shows it."""
    form = RotationForm()
    if not form.validate_on_submit():
        return not_done("admin.tokens.show", form)
    grace = timedelta(hours=form.grace.data)
    token, plain = tokens.rotate(token_id, scope=g.user.id, actor=actor(), grace=grace)
    return _shown_once(token, plain, title=gettext("The token has a new secret"))


@blp.post("/<int:token_id>/limits")
@requires(SETTINGS)
def limits(token_id: int) -> Response:
    """Let a token call more or less often."""
    form = LimitsForm()
    if not form.validate_on_submit():
        return not_done("admin.tokens.show", form)
    calls, status_calls = form.calls.data or 0, form.status_calls.data or 0
    tokens.change_limits(token_id, calls=calls, status_calls=status_calls, scope=scope(), actor=actor())
    return done("admin.tokens.show", gettext("Saved."))


@blp.post("/<int:token_id>/revoke")
@requires(SETTINGS)
def revoke(token_id: int) -> Response:
    """Make a token useless from now on."""
    token = tokens.revoke(token_id, scope=scope(), actor=actor())
    return done("admin.tokens.show", gettext("%(name)s is revoked: it opens nothing any more.", name=token.name))


def _dialogs() -> dict[str, Any]:
    return {
        "rotation": RotationForm(formdata=None),
        "limits": LimitsForm(formdata=None),
        "shown_prefix": tokens.shown_prefix,
        "standing": standing,
        "now": clock.now(),
    }


def _make(form: TokenForm) -> tuple[AccessToken, str]:
    user: User = g.user
    return tokens.create(
        user,
        name=form.name.data or "",
        abilities=form.abilities.data or (),
        actor=actor(),
        days=form.days.data,
        allowlist=form.allowlist.entries,
        calls=form.calls.data or 0,
        status_calls=form.status_calls.data or 0,
    )


def _shown_once(token: AccessToken, plain: str, *, title: str) -> str:
    first = next((path for ability, path in _FIRST_CALLS.items() if ability in token.abilities), "/api/v1/einvoices")
    return render_template(
        "admin/shown_once.html",
        title=title,
        name=token.name,
        what=gettext("Token"),
        plain=plain,
        curl=f'curl -sS -H "Authorization: Bearer {plain}" "{request.url_root.rstrip("/")}{first}"',
        back=url_for("admin.tokens.show"),
        page=gettext("API tokens"),
    )
