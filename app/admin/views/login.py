"""``/admin/sign-in``, ``/admin/sign-out``, ``/admin/invitation/…``, and the choice of a language before sign-in."""

from __future__ import annotations

from flask import Blueprint, g, redirect, render_template, request
from flask_babel import gettext, refresh
from werkzeug.wrappers import Response

from app.accounts.errors import UnknownInvitation, WrongPassword
from app.accounts.guards import SIGNED_IN, public, requires
from app.accounts.login import invitations, login_limits, web_sessions
from app.admin import kept_form
from app.admin.error_pages import own_page, previous_page
from app.admin.forms.base import submit
from app.admin.forms.new_password import NewPasswordForm
from app.admin.forms.sign_in_form import SignInForm, sign_in_page
from app.admin.helpers import SEE_OTHER, redirect_to, redirect_with_success
from app.admin.i18n.translate import translate
from app.admin.viewer import choose_language, viewer
from app.languages import LANGUAGES

blp = Blueprint("login", __name__)


@blp.route("/sign-in", methods=["GET", "POST"])
@public
@login_limits.limit_by_network_and_account
def sign_in() -> str | Response:
    """Sign in, then redirect to the page that was requested first."""
    target, known = own_page(request.args.get("next", "")), viewer()
    if known is not None:
        return _go_on(known.principal.user_id, target)
    form = SignInForm()
    if form.validate_on_submit():
        try:
            user = web_sessions.sign_in(form.email.data or "", form.password.data or "")
        except WrongPassword as refusal:  # handled here, so that the audit row is committed
            form.add_errors(refusal)
        else:
            return _go_on(user.id, target)
    return sign_in_page(form, target, request.form.get(kept_form.FIELD))


def _go_on(user_id: int | None, target: str) -> str | Response:
    """The page that was requested first, or the offer to send a form again whose session had ended."""
    kept = kept_form.restore(user_id)
    if kept is None:
        return redirect(target, SEE_OTHER)
    g.pop("csrf_token", None)  # it belongs to the session before the sign-in
    return render_template("admin/kept_form.html", kept=kept, target=target)


@blp.route("/invitation/<token>", methods=["GET", "POST"])
@public
@login_limits.limit_by_network
def invitation(token: str) -> str | Response:
    """Set the password of an invitation, then sign in."""
    form = NewPasswordForm()
    try:
        user = invitations.find_invited(token)
        if form.validate_on_submit() and submit(form, lambda: invitations.accept(token, form.password.data or "")):
            login_limits.give_back()
            login_limits.remember_network(user)
            web_sessions.open_session(user)
            return redirect_with_success(gettext("Your password is set."), "admin.overview.show")
    except UnknownInvitation as refusal:
        title = gettext("This invitation does not work")
        page = render_template("admin/public_error.html", title=title, hint=translate(refusal.message))
        return Response(page, refusal.status, mimetype="text/html")
    return render_template("admin/invitation.html", form=form, user=user)


@blp.post("/sign-out")
@requires(SIGNED_IN)
def sign_out() -> Response:
    """End the session. The browser does not cache pages, so its Back button shows none of them."""
    web_sessions.sign_out()
    return redirect_to("admin.login.sign_in")


@blp.post("/language/<code>")
@public
def language(code: str) -> Response:
    """Choose the language of this browser before sign-in."""
    if code in LANGUAGES:
        choose_language(code)
        refresh()
    return redirect(previous_page(), SEE_OTHER)
