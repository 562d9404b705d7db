"""``/admin/users``: list and creation of users, invitation, change of role, new password, deactivation."""

from __future__ import annotations

from flask import Blueprint, g, render_template, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from app.accounts import users
from app.accounts.guards import ADMINISTRATION, requires
from app.accounts.login import invitations, passwords
from app.accounts.models.accounts import User
from app.accounts.ownership import actor
from app.accounts.roles import ROLES
from app.admin.forms.base import Form, choices, submit
from app.admin.forms.fields import name_field
from app.admin.helpers import redirect_with_errors, redirect_with_success
from app.admin.i18n.labels import label
from app.admin.list_query import parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import USERS
from app.kernel.outbound.public_address import whole_url

blp = Blueprint("users", __name__, url_prefix="/users")

ROLE_DESCRIPTIONS = {
    "admin": lazy_gettext("Everything, for all users, including users, API keys and modules."),
    "billing": lazy_gettext("Imports, corrects and returns sales invoices. Issues and sends e-invoices."),
    "warehouse": lazy_gettext("Picks, packs and delivers sales invoices. Books goods receipts. No access to settings."),
    "integrator": lazy_gettext("For a system or its developer: own e-invoices, imports, tokens and webhooks."),
}


def _roles() -> list[SelectChoice]:
    return choices({role: label(role) for role in ROLES})


class UserForm(Form):
    email = EmailField(lazy_gettext("E-mail address"), [InputRequired(), Length(max=users.MAX_EMAIL_LENGTH)])
    name = name_field(lazy_gettext("Other users see this name."))
    role = SelectField(lazy_gettext("Role"), choices=_roles, default="integrator")
    password = PasswordField(
        lazy_gettext("Password (optional)"),
        [Optional(), Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH)],
        description=lazy_gettext("Leave it empty to get a link with which the user sets a password."),
    )


class RoleForm(Form):
    role = SelectField(lazy_gettext("Role"), choices=_roles)


@blp.get("")
@requires(ADMINISTRATION)
def index() -> str | Response:
    """Active and inactive users."""
    filters = parse_filters(users.UserQuery(only=("search",)))
    role = RoleForm(formdata=None)
    return show_list(
        "admin/users_list.html",
        USERS,
        users.source(filters.values),
        filters,
        details=lambda rows: {"invited": invitations.invited_among(list(rows))},
        role=role,
        viewer_id=g.user.id,
        descriptions=ROLE_DESCRIPTIONS,
    )


@blp.route("/new", methods=["GET", "POST"])
@requires(ADMINISTRATION)
def new() -> str | Response:
    """Create a user."""
    form = UserForm()
    if form.validate_on_submit() and (user := submit(form, lambda: _create(form))):
        if not form.password.data:
            return _show_invitation(user)
        return redirect_with_success(gettext("%(name)s can sign in now.", name=user.name), "admin.users.index")
    return render_template("admin/users_new.html", form=form, descriptions=ROLE_DESCRIPTIONS)


@blp.post("/<int:user_id>/role")
@requires(ADMINISTRATION)
def role(user_id: int) -> Response:
    """Change the role of a user."""
    form, user = RoleForm(), users.find(user_id)
    if not form.validate_on_submit():
        return redirect_with_errors(form, "admin.users.index")
    users.set_role(user, form.role.data, actor=actor())
    message = gettext("%(name)s has the role %(role)s now.", name=user.name, role=label(user.role))
    return redirect_with_success(message, "admin.users.index")


@blp.post("/<int:user_id>/deactivate")
@requires(ADMINISTRATION)
def deactivate(user_id: int) -> Response:
    """Deactivate a user: sessions end and tokens stop working."""
    user = users.find(user_id)
    users.set_active(user, False, actor=actor())
    message = gettext("%(name)s is deactivated. Sessions have ended and tokens do not work.", name=user.name)
    return redirect_with_success(message, "admin.users.index")


@blp.post("/<int:user_id>/activate")
@requires(ADMINISTRATION)
def activate(user_id: int) -> Response:
    """Activate a user again."""
    user = users.find(user_id)
    users.set_active(user, True, actor=actor())
    return redirect_with_success(gettext("%(name)s can sign in again.", name=user.name), "admin.users.index")


@blp.post("/<int:user_id>/invitation")
@requires(ADMINISTRATION)
def invite(user_id: int) -> str:
    """Create the invitation of a user; only this response shows its link."""
    return _show_invitation(users.find(user_id))


@blp.post("/<int:user_id>/password")
@requires(ADMINISTRATION)
def password(user_id: int) -> str:
    """Set a generated password; only this response shows it."""
    user = users.find(user_id)
    generated = users.reset_password(user, actor=actor())
    return render_template(
        "admin/shown_once.html",
        title=gettext("New password created"),
        name=f"{user.name} ({user.email})",
        label=gettext("Password"),
        secret=generated,
        back_url=url_for("admin.users.index"),
        back_text=gettext("Users"),
    )


def _create(form: UserForm) -> User:
    values = {name: form[name].data or "" for name in ("email", "name", "role")}
    return users.create_user(**values, password=form.password.data or None, actor=actor())


def _show_invitation(user: User) -> str:
    token = invitations.invite(user, actor=actor())
    return render_template(
        "admin/shown_once.html",
        title=gettext("Invitation created"),
        name=f"{user.name} ({user.email})",
        label=gettext("Link"),
        secret=whole_url(invitations.path(token)),
        note=gettext(
            "Send the link to the user. It works once, for %(days)s days, and sets a new password.",
            days=invitations.LIFETIME.days,
        ),
        back_url=url_for("admin.users.index"),
        back_text=gettext("Users"),
    )
