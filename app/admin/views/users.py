"""``/admin/users``: who may sign in, as what; made, given another role or password, kept out."""

from __future__ import annotations

from flask import Blueprint, g, render_template, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.accounts import users
from app.accounts.guards import ADMINISTRATION, requires
from app.accounts.login import passwords
from app.accounts.models.accounts import User
from app.accounts.ownership import actor
from app.accounts.roles import ROLES
from app.admin.forms.base import Form, accepted, choices
from app.admin.forms.fields import name_field
from app.admin.helpers import done, not_done
from app.admin.i18n.labels import label
from app.admin.list_query import parse_filters

blp = Blueprint("people", __name__, url_prefix="/users")

EXPLAINED = {
    "admin": lazy_gettext("Everything, for everybody: users, keys, modules."),
    "billing": lazy_gettext("Imports, corrects and returns sales invoices, issues and sends e-invoices."),
    "warehouse": lazy_gettext("Picks, packs and delivers sales invoices, books goods receipts; no settings."),
    "integrator": lazy_gettext("A system or its developer: e-invoices, imports, tokens and webhooks of its own."),
}


def _roles() -> list[SelectChoice]:
    return choices({role: label(role) for role in ROLES})


class UserForm(Form):
    email = EmailField(lazy_gettext("E-mail address"), [InputRequired(), Length(max=users.MAX_EMAIL_LENGTH)])
    name = name_field(lazy_gettext("Shown to others."))
    role = SelectField(lazy_gettext("Role"), choices=_roles, default="integrator")
    password = PasswordField(
        lazy_gettext("Password"),
        [InputRequired(), Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH)],
        description=lazy_gettext("At least 10 characters. The user changes it under Your account."),
    )


class RoleForm(Form):
    role = SelectField(lazy_gettext("Role"), choices=_roles)


@blp.get("")
@requires(ADMINISTRATION)
def show() -> str:
    """Everybody who may sign in, and who no longer may."""
    query = parse_filters(users.UserQuery())
    found = users.find_page(query.values)
    role = RoleForm(formdata=None)
    return render_template("admin/users.html", found=found, asked=query, role=role, me=g.user.id, explained=EXPLAINED)


@blp.route("/new", methods=["GET", "POST"])
@requires(ADMINISTRATION)
def new() -> str | Response:
    """Make a user."""
    form = UserForm()
    if form.validate_on_submit() and (user := accepted(form, lambda: _make(form))):
        return done("admin.people.show", gettext("%(name)s can sign in now.", name=user.name))
    return render_template("admin/user_new.html", form=form, explained=EXPLAINED)


@blp.post("/<int:user_id>/role")
@requires(ADMINISTRATION)
def role(user_id: int) -> Response:
    """Give a user another role."""
    form, user = RoleForm(), users.find(user_id)
    if not form.validate_on_submit():
        return not_done("admin.people.show", form)
    users.set_role(user, form.role.data, actor=actor())
    told = gettext("%(name)s has the role %(role)s.", name=user.name, role=label(user.role))
    return done("admin.people.show", told)


@blp.post("/<int:user_id>/deactivate")
@requires(ADMINISTRATION)
def deactivate(user_id: int) -> Response:
    """Keep a user out from now on."""
    user = users.find(user_id)
    users.set_active(user, False, actor=actor())
    return done("admin.people.show", gettext("%(name)s is out: sessions and tokens have stopped.", name=user.name))


@blp.post("/<int:user_id>/activate")
@requires(ADMINISTRATION)
def activate(user_id: int) -> Response:
    """Let a user in again."""
    user = users.find(user_id)
    users.set_active(user, True, actor=actor())
    return done("admin.people.show", gettext("%(name)s can sign in again.", name=user.name))


@blp.post("/<int:user_id>/password")
@requires(ADMINISTRATION)
def password(user_id: int) -> str:
    """Give a user a made-up password; the answer shows it, and nothing else ever will."""
    user = users.find(user_id)
    made_up = users.reset_password(user, actor=actor())
    return render_template(
        "admin/shown_once.html",
        title=gettext("A new password"),
        name=f"{user.name} ({user.email})",
        what=gettext("Password"),
        plain=made_up,
        back=url_for("admin.people.show"),
        page=gettext("Users"),
    )


def _make(form: UserForm) -> User:
    facts = {name: form[name].data or "" for name in ("email", "name", "role", "password")}
    return users.create_user(**facts, actor=actor())
