"""``/admin/account``: language, time zone, theme and password of the viewer."""

from __future__ import annotations

from flask import Blueprint, g, render_template
from flask_babel import gettext, lazy_gettext, refresh
from werkzeug.wrappers import Response
from wtforms import PasswordField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Length

from app.accounts import users
from app.accounts.guards import SIGNED_IN, requires
from app.accounts.login import login_limits, passwords, web_sessions
from app.accounts.models.accounts import User
from app.admin.forms.base import Form, choices, submit
from app.admin.forms.new_password import NewPasswordForm
from app.admin.helpers import redirect_with_success
from app.admin.viewer import THEMES
from app.kernel import time_zones
from app.languages import LANGUAGES

blp = Blueprint("account", __name__, url_prefix="/account")

_BROWSER = "browser"
_LANGUAGES = {_BROWSER: lazy_gettext("Language of the browser"), **LANGUAGES}
_THEME_NAMES = (lazy_gettext("Same as the system"), lazy_gettext("Light"), lazy_gettext("Dark"))
_THEMES = dict(zip(THEMES, _THEME_NAMES, strict=True))


def _time_zones() -> list[SelectChoice]:
    return choices({_BROWSER: gettext("Time zone of the browser"), **{name: name for name in time_zones.names()}})


class PreferencesForm(Form):
    language = SelectField(lazy_gettext("Language"), choices=choices(_LANGUAGES))
    time_zone = SelectField(lazy_gettext("Time zone"), choices=_time_zones)
    theme = SelectField(lazy_gettext("Theme"), choices=choices(_THEMES))


class PasswordForm(NewPasswordForm):
    present = PasswordField(lazy_gettext("Current password"), [InputRequired(), Length(max=passwords.MAX_LENGTH)])


@blp.get("")
@requires(SIGNED_IN)
def show() -> str:
    """Both forms of the account page."""
    return _page(_preferences_form(), PasswordForm())


@blp.post("/look")
@requires(SIGNED_IN)
def save_preferences() -> str | Response:
    """Store language, time zone and theme."""
    form = PreferencesForm()
    if not form.validate_on_submit():
        return _page(form, PasswordForm())
    user: User = g.user
    fields = {"language": form.language.data, "time_zone": form.time_zone.data}
    chosen = {name: None if value == _BROWSER else value for name, value in fields.items()}
    users.save_preferences(user, **chosen, theme=form.theme.data)
    g.pop("viewer", None)
    refresh()
    return redirect_with_success(gettext("Saved."), "admin.account.show")


@blp.post("/password")
@requires(SIGNED_IN)
@login_limits.limit_by_network_and_account
def password() -> str | Response:
    """Change the password; all other sessions of this user end, this browser gets a new session."""
    form = PasswordForm()
    if form.validate_on_submit() and submit(form, lambda: _change(form)):
        message = gettext("Your password is changed. All your other sessions have ended.")
        return redirect_with_success(message, "admin.account.show")
    return _page(_preferences_form(), form)


def _change(form: PasswordForm) -> bool:
    user: User = g.user
    users.change_own_password(user, present=form.present.data or "", password=form.password.data or "")
    login_limits.give_back()
    web_sessions.open_session(user)
    return True


def _preferences_form() -> PreferencesForm:
    user: User = g.user
    chosen = {"language": user.language or _BROWSER, "time_zone": user.time_zone or _BROWSER, "theme": user.theme}
    return PreferencesForm(formdata=None, **chosen)


def _page(preferences: PreferencesForm, password: PasswordForm) -> str:
    return render_template("admin/account_show.html", preferences=preferences, password=password, user=g.user)
