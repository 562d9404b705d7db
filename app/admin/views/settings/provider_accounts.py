"""``/admin/settings/provider-accounts``: accounts at providers, their connection test and callback secrets."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.ownership import actor, may_allow, owner_id, scope
from app.admin.forms.base import submit
from app.admin.forms.provider_account import ProviderAccountForm
from app.admin.helpers import load_data, load_form, redirect_with_success
from app.admin.list_query import parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import ACCOUNTS
from app.einvoices import sellers
from app.einvoices.access import requires_einvoices
from app.einvoices.documents.profile_findings import format_of
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.provider_accounts import account_lists, connection_test, directory
from app.einvoices.schemas.provider_accounts import (
    CallbackRotationSchema,
    ProviderAccountChangeSchema,
    ProviderAccountDraftSchema,
    ProviderAccountQuery,
)
from app.kernel.outbound.url_resolution import resolves
from app.kernel.schemas.fields import Identifier

blp = Blueprint("provider_accounts", __name__, url_prefix="/settings/provider-accounts")


class AccountFilters(ProviderAccountQuery):
    """The filters of the list on the page."""

    search = Identifier(100)


@blp.get("")
@requires_einvoices("einvoices:read")
def index() -> str | Response:
    """All accounts, newest first."""
    filters = parse_filters(AccountFilters(exclude=("per_page", "cursor")))
    source = account_lists.source(filters.values, scope())
    return show_list("admin/provider_accounts_list.html", ACCOUNTS, source, filters)


@blp.get("/new")
@requires_einvoices("einvoices:write")
def new() -> str:
    """Form of a new account; it offers the legal format of the seller."""
    offered = format_of(sellers.profile_of(owner_id()))
    return _render_form(ProviderAccountForm(formdata=None, document_format=offered or ""), None)


@blp.post("/new")
@requires_einvoices("einvoices:write")
@resolves("url", "lookup_url")
def create() -> str:
    """Create an account; only this response shows its callback secret."""
    form = ProviderAccountForm()
    if form.validate_on_submit() and (created := submit(form, lambda: _create(form))):
        return render_template("admin/provider_accounts_secret.html", issued=created, is_new=True)
    return _render_form(form, None)


@blp.get("/<int:account_id>/change")
@requires_einvoices("einvoices:write")
def change_form(account_id: int) -> str:
    """Form of an existing account."""
    return _render_form(ProviderAccountForm.from_account(directory.find(account_id, scope())), account_id)


@blp.post("/<int:account_id>/change")
@requires_einvoices("einvoices:write")
@resolves("url", "lookup_url")
def change(account_id: int) -> str | Response:
    """Store the changes of an account."""
    form = ProviderAccountForm()
    if form.validate_on_submit() and submit(form, lambda: _change(form, account_id)):
        return _redirect(gettext("Saved."), account_id)
    return _render_form(form, account_id)


@blp.get("/<int:account_id>")
@requires_einvoices("einvoices:read")
def show(account_id: int) -> str:
    """One account with its state and the result of its last connection test."""
    return render_template("admin/provider_accounts_show.html", account=directory.find(account_id, scope()))


@blp.post("/<int:account_id>/test")
@requires_einvoices("einvoices:write")
def test(account_id: int) -> Response:
    """Test the connection."""
    connection_test.run(account_id, scope(), actor=actor())
    return _redirect(gettext("The connection was tested."), account_id)


@blp.post("/<int:account_id>/rotate")
@requires_einvoices("einvoices:write")
def rotate(account_id: int) -> str:
    """Create a new callback secret; only this response shows it."""
    data = load_form(CallbackRotationSchema(), "grace_hours")
    rotated = directory.rotate(account_id, data["grace_hours"], scope(), actor=actor())
    return render_template("admin/provider_accounts_secret.html", issued=rotated, is_new=False)


@blp.post("/<int:account_id>/clear-token")
@requires_einvoices("einvoices:write")
def clear_token(account_id: int) -> Response:
    """Delete the token of the provider; the connection has to be tested again."""
    directory.change(account_id, {"token": None}, scope(), actor=actor(), may_allow=may_allow())
    return _redirect(gettext("The token is deleted."), account_id)


@blp.post("/<int:account_id>/archive")
@requires_einvoices("einvoices:write")
def archive(account_id: int) -> Response:
    """Archive an account, or delete it if no e-invoice refers to it."""
    is_archived = directory.remove(account_id, scope(), actor=actor())
    message = gettext("Account archived.") if is_archived else gettext("Account deleted.")
    return redirect_with_success(message, "admin.provider_accounts.index")


def _create(form: ProviderAccountForm) -> directory.AccountWithSecret:
    data = load_data(ProviderAccountDraftSchema(), form.api_data(may_allow=may_allow()))
    return directory.create(data, owner_id(), actor=actor(), may_allow=may_allow())


def _change(form: ProviderAccountForm, account_id: int) -> ProviderAccount:
    data = load_data(ProviderAccountChangeSchema(), form.api_data(may_allow=may_allow()))
    return directory.change(account_id, data, scope(), actor=actor(), may_allow=may_allow())


def _render_form(form: ProviderAccountForm, account_id: int | None) -> str:
    return render_template("admin/provider_accounts_form.html", form=form, account_id=account_id, may_allow=may_allow())


def _redirect(message: str, account_id: int) -> Response:
    return redirect_with_success(message, "admin.provider_accounts.show", account_id=account_id)
