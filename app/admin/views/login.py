"""Signing in and out of the pages, and the language before anybody is signed in."""

from __future__ import annotations

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_babel import lazy_gettext, refresh
from werkzeug.wrappers import Response
from wtforms import EmailField, PasswordField
from wtforms.validators import InputRequired, Length

from app.accounts import users
from app.accounts.errors import WrongPassword
from app.accounts.guards import SIGNED_IN, public, requires
from app.accounts.login import passwords, web_sessions
from app.admin.error_pages import back, local
from app.admin.forms.base import Form
from app.admin.viewer import choose_language, viewer
from app.extensions import limiter
from app.languages import LANGUAGES

_SEE_OTHER = 303
blp = Blueprint("signing", __name__)


class SignInForm(Form):
    email = EmailField(lazy_gettext("E-mail address"), [InputRequired(), Length(max=users.MAX_EMAIL_LENGTH)])
    password = PasswordField(lazy_gettext("Password"), [InputRequired(), Length(max=passwords.MAX_LENGTH)])


@blp.route("/sign-in", methods=["GET", "POST"])
@public
@limiter.limit(lambda: current_app.config["LOGIN_LIMIT"], methods=["POST"])
def form() -> str | Response:
    """The way in; afterwards one is where one wanted to be."""
    wanted = local(request.args.get("next", ""))
    if viewer() is not None:
        return redirect(wanted, _SEE_OTHER)
    form = SignInForm()
    if form.validate_on_submit():
        try:
            web_sessions.sign_in(form.email.data or "", form.password.data or "")
        except WrongPassword as refusal:  # told here, and its audit row is kept
            form.take(refusal)
        else:
            return redirect(wanted, _SEE_OTHER)
    return render_template("admin/sign_in.html", form=form, is_new=users.nobody_signed_in_yet())


@blp.post("/sign-out")
@requires(SIGNED_IN)
def end() -> Response:
    """End the session; the browser's Back shows nothing, for pages are not stored."""
    web_sessions.sign_out()
    return redirect(url_for("admin.signing.form"), _SEE_OTHER)


@blp.post("/language/<code>")
@public
def language(code: str) -> Response:
    """Show this browser the pages in another language before anybody signs in."""
    if code in LANGUAGES:
        choose_language(code)
        refresh()
    return redirect(back(), _SEE_OTHER)
