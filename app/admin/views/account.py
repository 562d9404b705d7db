"""One's own page: language, theme and password."""

from __future__ import annotations

from flask import Blueprint, flash, g, redirect, render_template, url_for
from flask_babel import gettext, lazy_gettext, refresh
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField
from wtforms.validators import EqualTo, InputRequired, Length

from app.accounts import users
from app.accounts.guards import SIGNED_IN, requires
from app.accounts.login import passwords, web_sessions
from app.accounts.models.accounts import User
from app.admin.forms.base import Form, accepted, choices
from app.admin.viewer import THEMES
from app.languages import LANGUAGES

_SEE_OTHER = 303
blp = Blueprint("account", __name__, url_prefix="/account")

_BROWSER = "browser"
_LANGUAGES = {_BROWSER: lazy_gettext("As the browser asks"), **LANGUAGES}
_THEME_NAMES = (lazy_gettext("As the system is"), lazy_gettext("Light"), lazy_gettext("Dark"))
_THEMES = dict(zip(THEMES, _THEME_NAMES, strict=True))


class LookForm(Form):
    language = SelectField(lazy_gettext("Language"), choices=choices(_LANGUAGES))
    theme = SelectField(lazy_gettext("Theme"), choices=choices(_THEMES))


class PasswordForm(Form):
    present = PasswordField(lazy_gettext("Present password"), [InputRequired(), Length(max=passwords.MAX_LENGTH)])
    password = PasswordField(
        lazy_gettext("New password"),
        [InputRequired(), Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH)],
        description=lazy_gettext("At least 10 characters; a few words are easy to remember and hard to guess."),
    )
    again = PasswordField(
        lazy_gettext("New password again"),
        [InputRequired(), EqualTo("password", lazy_gettext("The two passwords differ."))],
    )


@blp.get("")
@requires(SIGNED_IN)
def show() -> str:
    """Who one is, and how the pages look."""
    return _page(_look(), PasswordForm())


@blp.post("/look")
@requires(SIGNED_IN)
def look() -> str | Response:
    """Choose language and theme."""
    form = LookForm()
    if not form.validate_on_submit():
        return _page(form, PasswordForm())
    user: User = g.user
    chosen = None if form.language.data == _BROWSER else form.language.data
    users.save_preferences(user, language=chosen, theme=form.theme.data)
    g.pop("viewer", None)
    refresh()
    flash(gettext("Saved."), "good")
    return redirect(url_for("admin.account.show"), _SEE_OTHER)


@blp.post("/password")
@requires(SIGNED_IN)
def password() -> str | Response:
    """Change the password; every other session of this user ends, this browser gets a new one."""
    form = PasswordForm()
    if form.validate_on_submit() and accepted(form, lambda: _change(form)):
        flash(gettext("Your password is changed. All other sessions of yours have ended."), "good")
        return redirect(url_for("admin.account.show"), _SEE_OTHER)
    return _page(_look(), form)


def _change(form: PasswordForm) -> bool:
    user: User = g.user
    users.change_own_password(user, present=form.present.data or "", password=form.password.data or "")
    web_sessions.open_session(user)
    return True


def _look() -> LookForm:
    user: User = g.user
    return LookForm(formdata=None, language=user.language or _BROWSER, theme=user.theme)


def _page(look: LookForm, password: PasswordForm) -> str:
    return render_template("admin/account.html", look=look, password=password, user=g.user)
