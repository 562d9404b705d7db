"""The form of a new password: an invited user sets it, and a signed-in user changes it."""

from __future__ import annotations

from flask_babel import lazy_gettext
from wtforms import PasswordField
from wtforms.validators import EqualTo, InputRequired, Length

from app.accounts.login import passwords
from app.admin.forms.base import Form


class NewPasswordForm(Form):
    """A new password, typed twice."""

    password = PasswordField(
        lazy_gettext("New password"),
        [InputRequired(), Length(passwords.MIN_LENGTH, passwords.MAX_LENGTH)],
        description=lazy_gettext("At least 10 characters. Several words are easy to remember and hard to guess."),
    )
    again = PasswordField(
        lazy_gettext("Repeat the new password"),
        [InputRequired(), EqualTo("password", lazy_gettext("The two passwords are different."))],
    )
