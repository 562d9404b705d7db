"""Sign-in form and its page, which also stands in for the answer to a form whose session had ended."""

from __future__ import annotations

from flask import current_app, render_template, request, url_for
from flask_babel import lazy_gettext
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from app.accounts import users
from app.accounts.login import passwords
from app.admin.blueprint import CookieNeedsHttps, loses_cookie
from app.admin.forms.base import Form
from app.admin.i18n.translate import translate


class SignInForm(Form):
    email = EmailField(lazy_gettext("E-mail address"), [InputRequired(), Length(max=users.MAX_EMAIL_LENGTH)])
    password = PasswordField(lazy_gettext("Password"), [InputRequired(), Length(max=passwords.MAX_LENGTH)])


def sign_in_page(form: SignInForm, target: str, kept: str | None) -> str:
    """The page of the sign-in form.

    Args:
        target: the page after the sign-in.
        kept: a form that is sent again after the sign-in, see ``kept_form``.
    """
    return render_template(
        "admin/sign_in.html",
        form=form,
        kept=kept,
        action=url_for("admin.login.sign_in", next=None if target == url_for("admin.overview.show") else target),
        is_new=users.nobody_signed_in_yet(),
        is_unencrypted=current_app.config["ALLOW_HTTP"] and not request.is_secure,
        # A proxy that does not send X-Forwarded-Proto may serve https: then the browser keeps the cookie.
        loses_cookie=loses_cookie() and "X-Forwarded-For" not in request.headers,
        cookie_hint=translate(CookieNeedsHttps.message),
    )
