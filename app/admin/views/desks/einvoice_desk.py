"""``/admin/einvoices/new`` and ``/admin/einvoices/{id}/edit``: the editor of drafts of e-invoices."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.ownership import actor, owner_id, scope
from app.accounts.principals import authenticate
from app.admin.forms.draft_form import DraftForm, empty_line, new_form, stored_form, submitted_form
from app.admin.forms.number_input import separators
from app.admin.helpers import load_data, opened_at, redirect_to, redirect_with_success, submitted_version
from app.admin.legal_forms.fact_fields import GROUPS, ITEM
from app.einvoices import sellers
from app.einvoices.access import requires_einvoices
from app.einvoices.currencies import CURRENCIES
from app.einvoices.errors import ChangedAfterOpening
from app.einvoices.lifecycle import allowed_steps, drafts, readiness
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.provider_accounts import directory
from app.einvoices.queries import lookup
from app.einvoices.schemas.einvoices import EinvoiceChangeSchema, EinvoiceDraftSchema
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import BadRequest, Conflict, Invalid, Refusal

blp = Blueprint("einvoice_desk", __name__, url_prefix="/einvoices")


@blp.get("/new")
@requires_einvoices("einvoices:write")
def new() -> str:
    """The form of a new draft."""
    owner = owner_id()
    default = directory.default_of(owner)
    has_accounts = bool(directory.choices(owner))
    account = str(default.id if default else "") if has_accounts else None
    return _page(new_form(sellers.profile_of(owner), account))


@blp.post("/new")
@requires_einvoices("einvoices:write")
def create() -> Response | tuple[str, int]:
    """Create a draft; after a refusal the page shows what was typed."""
    form = submitted_form(request.form)
    try:
        with db.session.begin_nested():
            data = load_data(EinvoiceDraftSchema(), form.payload(account=None))
            einvoice = drafts.create(data, owner_id(), actor())
    except (Invalid, BadRequest, Conflict) as refusal:
        return _refused(form, refusal)
    return _saved(gettext("Draft created."), einvoice.id)


@blp.get("/<int:einvoice_id>/edit")
@requires_einvoices("einvoices:write")
def edit(einvoice_id: int) -> str | Response:
    """The form of a draft."""
    einvoice = lookup.find(einvoice_id, scope())
    if not allowed_steps.is_allowed("change", einvoice):
        flash(gettext("Only a draft can be changed."), "info")
        return redirect_to("admin.einvoices.show", einvoice_id=einvoice_id)
    form = stored_form(einvoice, has_lines=drafts.may_change_lines(einvoice))
    return _page(form, einvoice, clock.iso(einvoice.updated_at))


@blp.post("/<int:einvoice_id>/edit")
@requires_einvoices("einvoices:write")
def save(einvoice_id: int) -> Response | tuple[str, int]:
    """Change a draft; after a refusal the page shows what was typed."""
    form, read_at = submitted_form(request.form), opened_at()
    stored = lookup.find(einvoice_id, scope(), items=False)
    try:
        with db.session.begin_nested():
            data = load_data(EinvoiceChangeSchema(), form.payload(account=str(stored.provider_account_id or "")))
            drafts.change_unchanged(einvoice_id, read_at, data, scope(), actor())
    except (Invalid, BadRequest, Conflict) as refusal:
        return _refused(form, refusal, lookup.find(einvoice_id, scope()), submitted_version())
    return _saved(gettext("Saved."), einvoice_id)


def _saved(message: str, einvoice_id: int) -> Response:
    """Go to the page of the draft, or to its preview if that button was pressed."""
    page = "admin.einvoice_preview.show" if request.form.get("then") == "preview" else "admin.einvoices.show"
    return redirect_with_success(message, page, einvoice_id=einvoice_id)


def _refused(form: DraftForm, refusal: Refusal, einvoice: Einvoice | None = None, version: str = "") -> tuple[str, int]:
    form.add_errors(refusal)
    status = Conflict.status if isinstance(refusal, Conflict) else 422
    return _page(form, einvoice, version, is_outdated=isinstance(refusal, ChangedAfterOpening)), status


def _page(form: DraftForm, einvoice: Einvoice | None = None, version: str = "", *, is_outdated: bool = False) -> str:
    owner = einvoice.owner_id if einvoice else owner_id()
    profile = sellers.profile_of(owner)
    decimal, group = separators()
    missing = readiness.find_missing(profile, einvoice) if einvoice else readiness.find_missing_of_seller(profile)
    values: dict[str, Any] = {
        "form": form,
        "einvoice": einvoice,
        "version": version,
        "newer": clock.iso(einvoice.updated_at) if einvoice and is_outdated else None,
        "new_line": empty_line(profile),
        "currencies": sorted(CURRENCIES.items()),
        "accounts": _accounts(einvoice, owner),
        "separators": {"decimal": decimal, "group": group},
        "missing": {each.field: each.message for each in missing},
        "groups": GROUPS,
        "item_facts": ITEM,
        "open_groups": {group.id for group in GROUPS if group.profiles & {*(profile.legal_profiles or ())}},
        "needs_item_facts": bool(profile.legal_profiles),
        "is_own": owner == authenticate().user_id,
    }
    return render_template("admin/einvoices_edit.html", **values)


def _accounts(einvoice: Einvoice | None, owner: int) -> list[ProviderAccount]:
    """The accounts to choose from, with the present one of the draft even if it is archived."""
    accounts = list(directory.choices(owner))
    present = einvoice.provider_account if einvoice else None
    return accounts if present is None or present in accounts else [present, *accounts]
