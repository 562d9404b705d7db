"""``/admin/einvoices``: list, detail page with PDF and history, and the actions of the e-invoice life cycle."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, flash, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from app.accounts import users
from app.accounts.ownership import actor, owner_id, scope
from app.accounts.principals import authenticate
from app.admin.forms.credited_quantities import chosen_items, named_by_input
from app.admin.helpers import load_data, load_form, opened_at, redirect_to, redirect_with_success
from app.admin.i18n.formats import moment, money
from app.admin.i18n.labels import LABELS, label
from app.admin.i18n.translate import translate
from app.admin.list_query import parse_filters
from app.admin.lists import einvoice_tables
from app.admin.lists.list_view import show_list
from app.einvoices.access import requires_einvoices
from app.einvoices.decisions import decision_checks, settlement
from app.einvoices.documents import legal_documents
from app.einvoices.errors import UnknownEinvoice
from app.einvoices.lifecycle import allowed_steps, corrections, credit_notes, drafts, readiness, step_needs
from app.einvoices.lifecycle import from_sales as sales_drafts
from app.einvoices.lifecycle import issue as lifecycle_issue
from app.einvoices.links import service as links
from app.einvoices.links.api import url_of
from app.einvoices.models.einvoices import Einvoice, EinvoiceEvent
from app.einvoices.models.provider_accounts import Mode, ProviderAccount
from app.einvoices.pdf import print_job
from app.einvoices.provider_accounts import directory, status_words
from app.einvoices.providers import sendings
from app.einvoices.queries import lookup, work_list
from app.einvoices.queries.problems import PROBLEMS
from app.einvoices.schemas.einvoices import (
    EinvoiceChangeSchema,
    EinvoiceCorrectionSchema,
    EinvoiceCreditSchema,
    EinvoiceDoubtSchema,
    EinvoiceReasonSchema,
    EinvoiceSendSchema,
    FromSalesSchema,
)
from app.einvoices.schemas.links import EinvoiceLinkDraftSchema
from app.einvoices.status import Type
from app.kernel.worker.work_queue import WorkState
from app.pdf import files

blp = Blueprint("einvoices", __name__, url_prefix="/einvoices")
#: Data of the buyer that the page of a draft completes.
_BUYER_FIELDS = ("name", "tax_id", "tax_office", "address")


@blp.get("")
@requires_einvoices("einvoices:read")
def index() -> str | BaseResponse:
    """E-invoices that match the filters; without a choice of status, what needs a person comes first."""
    filters = parse_filters(einvoice_tables.filter_schema())
    may_write = step_needs.ABILITY in authenticate().abilities
    return show_list(
        "admin/einvoices_list.html",
        einvoice_tables.table(),
        work_list.source(filters.values, einvoice_tables.chosen_scope(filters.values)),
        filters,
        details=einvoice_tables.details,
        steps=einvoice_tables.steps(may_write),
        problems=[(name, label(f"problem.{name}")) for name in PROBLEMS],
        choice_of_owners=[(owner.id, owner.name) for owner in work_list.list_owners()] if scope() is None else [],
        may_write=may_write,
    )


@blp.get("/<int:einvoice_id>")
@requires_einvoices("einvoices:read")
def show(einvoice_id: int) -> str:
    """One e-invoice with its items, related documents and history."""
    formats = legal_documents.formats_of(einvoice_id, scope())
    einvoice = lookup.find(einvoice_id, scope(), items=True, events=True)
    is_doubtful = sendings.find_doubtful(einvoice) is not None
    disputed = decision_checks.find_disputed(einvoice)
    state = readiness.of_draft(einvoice, scope()) if allowed_steps.is_allowed("issue", einvoice) else None
    may_write = step_needs.ABILITY in authenticate().abilities
    return render_template(
        "admin/einvoices_show.html",
        einvoice=einvoice,
        original=lookup.find(einvoice.original_id, scope(), items=False) if einvoice.original_id else None,
        corrected=lookup.find(einvoice.corrects_id, scope(), items=False) if einvoice.corrects_id else None,
        correction=lookup.find(einvoice.corrected_by_id, scope(), items=False) if einvoice.corrected_by_id else None,
        credits=lookup.list_credits(einvoice),
        entries=_timeline(einvoice.events),
        actions=_allowed_actions(einvoice, is_doubtful or disputed is not None, state) if may_write else set(),
        readiness=state,
        missing={each.field: each.message for each in state.missing} if state else {},
        other_accounts=_other_accounts(einvoice),
        is_own=einvoice.owner_id == authenticate().user_id,
        is_doubtful=is_doubtful,
        disputed=disputed,
        is_accepted_late=status_words.is_accepted_late(einvoice),
        links=links.list_links(einvoice) if einvoice.number is not None else (),
        may_link=may_write and einvoice.number is not None,
        is_printing=einvoice.pdf_state == WorkState.PENDING,
        formats=formats,
    )


@blp.get("/<int:einvoice_id>/pdf")
@requires_einvoices("einvoices:read")
def pdf(einvoice_id: int) -> Response:
    """The PDF, shown by the browser or, with ``?download=1``, as a download."""
    return files.send_pdf(print_job.stored_pdf(einvoice_id, scope()), download="download" in request.args)


@blp.post("/from-sales")
@requires_einvoices("einvoices:write")
def from_sales() -> BaseResponse:
    """Create a draft from a sales invoice, or open the existing e-invoice of that sales invoice."""
    data = load_form(FromSalesSchema(), "invoice_no", **_choice("prices_include_vat"), **_account())
    einvoice, is_new = sales_drafts.draft_from_sales(data, owner_id(), scope(), actor())
    if is_new:
        return _redirect(gettext("Draft created."), einvoice.id)
    flash(gettext("This sales invoice had this e-invoice already. It was not changed."), "info")
    return redirect_to("admin.einvoices.show", einvoice_id=einvoice.id)


@blp.post("/<int:einvoice_id>/buyer")
@requires_einvoices("einvoices:write")
def change_buyer(einvoice_id: int) -> BaseResponse:
    """Complete the data of the buyer of a draft."""
    texts = {name: request.form.get(name, "").strip() for name in _BUYER_FIELDS}
    data = load_data(EinvoiceChangeSchema(), {"buyer": {**texts, **_choice("is_business")}})
    drafts.change(einvoice_id, data, scope(), actor())
    return _redirect(gettext("Saved."), einvoice_id)


@blp.post("/<int:einvoice_id>/issue")
@requires_einvoices("einvoices:write")
def issue(einvoice_id: int) -> BaseResponse:
    """Issue a draft: it gets its number and date."""
    einvoice = lifecycle_issue.issue_unchanged(einvoice_id, opened_at(), scope(), actor())
    message = gettext("Issued as %(number)s. The PDF will be ready in a few seconds.", number=einvoice.invoice_no)
    return _redirect(message, einvoice_id)


@blp.post("/<int:einvoice_id>/send")
@requires_einvoices("einvoices:write")
def send(einvoice_id: int) -> BaseResponse:
    """Queue an issued e-invoice for its provider."""
    data = load_data(EinvoiceSendSchema(), _account())
    lifecycle_issue.send(einvoice_id, scope(), actor(), provider_account_id=data.get("provider_account_id"))
    return _redirect(gettext("The e-invoice is queued for the provider."), einvoice_id)


@blp.post("/<int:einvoice_id>/settle-doubt")
@requires_einvoices("einvoices:write")
def settle_doubt(einvoice_id: int) -> BaseResponse:
    """Settle a doubt: the provider has the e-invoice, or it does not have it."""
    data = load_form(EinvoiceDoubtSchema(), "reason", **_choice("taken"))
    settlement.settle(einvoice_id, taken=data["taken"], reason=data["reason"], scope=scope(), actor=actor())
    return _redirect(gettext("The doubt is settled."), einvoice_id)


@blp.post("/<int:einvoice_id>/cancel")
@requires_einvoices("einvoices:write")
def cancel(einvoice_id: int) -> BaseResponse:
    """Cancel a draft, or an issued or rejected e-invoice."""
    reason = load_form(EinvoiceReasonSchema(), "reason")["reason"]
    lifecycle_issue.cancel(einvoice_id, reason, scope(), actor())
    return _redirect(gettext("Cancelled."), einvoice_id)


@blp.post("/<int:einvoice_id>/correct")
@requires_einvoices("einvoices:write")
def correct(einvoice_id: int) -> BaseResponse:
    """Draft a correction of a rejected e-invoice."""
    data = load_form(EinvoiceCorrectionSchema(), "reason")
    draft = corrections.correct(einvoice_id, data.get("reason", ""), scope(), actor())
    return _redirect(gettext("Draft created."), draft.id)


@blp.post("/<int:einvoice_id>/reprint")
@requires_einvoices("einvoices:write")
def reprint(einvoice_id: int) -> BaseResponse:
    """Create the PDF again."""
    lifecycle_issue.reprint(einvoice_id, scope())
    return _redirect(gettext("The PDF is being created again."), einvoice_id)


@blp.post("/<int:einvoice_id>/links")
@requires_einvoices("einvoices:write")
def create_link(einvoice_id: int) -> str:
    """Create a public link to the PDF; only this response shows it."""
    days: str | int = request.form.get("days", "").strip()
    if re.fullmatch(r"\d{1,5}", str(days), re.ASCII):
        days = int(days)
    data = load_data(EinvoiceLinkDraftSchema(), {"expires_in_days": None if days == "" else days})
    new = links.create(einvoice_id, days=data.get("expires_in_days"), scope=scope(), actor=actor())
    einvoice = lookup.find(einvoice_id, scope(), items=False)
    return render_template(
        "admin/shown_once.html",
        title=gettext("Public link created"),
        name=einvoice.invoice_no,
        label=gettext("Public link"),
        secret=url_of(new.token),
        curl=None,
        back_url=url_for("admin.einvoices.show", einvoice_id=einvoice_id),
        back_text=einvoice.invoice_no,
    )


@blp.post("/<int:einvoice_id>/links/<int:link_id>/revoke")
@requires_einvoices("einvoices:write")
def revoke_link(einvoice_id: int, link_id: int) -> BaseResponse:
    """Revoke a public link."""
    links.revoke(einvoice_id, link_id, scope=scope(), actor=actor())
    return _redirect(gettext("The link is revoked."), einvoice_id)


@blp.post("/<int:einvoice_id>/give-back/<kind>")
@requires_einvoices("einvoices:write")
def credit(einvoice_id: int, kind: str) -> BaseResponse:
    """Draft a return or a credit note for the chosen quantities, or for everything that remains."""
    if kind not in {Type.RETURN, Type.CREDIT_NOTE}:
        raise UnknownEinvoice
    chosen = chosen_items(request.form)
    with named_by_input(chosen):
        data = load_form(EinvoiceCreditSchema(), "reason", **chosen)
        draft = credit_notes.draft_credit(einvoice_id, Type(kind), data, scope(), actor())
    return _redirect(gettext("Draft created."), draft.id)


def _choice(name: str) -> dict[str, bool]:
    """The value of a pair of radio buttons; empty when none is chosen."""
    chosen = request.form.get(name)
    return {name: chosen == "true"} if chosen in {"true", "false"} else {}


def _account() -> dict[str, str]:
    """The provider account that was chosen; empty when none is chosen."""
    chosen = request.form.get("provider_account_id", "").strip()
    return {"provider_account_id": chosen} if chosen else {}


def _other_accounts(einvoice: Einvoice) -> list[ProviderAccount]:
    """The accounts of the seller that it could be sent through besides the present one."""
    others = [each for each in directory.choices(einvoice.owner_id) if each.id != einvoice.provider_account_id]
    return [each for each in others if (each.mode == Mode.TEST) == einvoice.is_test]


def _allowed_actions(einvoice: Einvoice, is_open: bool, state: readiness.Readiness | None) -> set[str]:
    """Actions that the page offers now; the service checks them again."""
    offered = step_needs.find_available(einvoice)
    if state is not None and not state.ready:
        offered.discard("issue")
    if is_open:
        offered.add("settle_doubt")
    return offered | ({"reprint"} if einvoice.number is not None else set())


def _timeline(history: Sequence[EinvoiceEvent]) -> list[dict[str, Any]]:
    """History, newest first; a user who took a step is shown by name, another credential as it is."""
    names = users.names_of_credentials({event.payload.get("actor") for event in history})
    return [_timeline_entry(event, names) for event in reversed(history)]


def _timeline_entry(event: EinvoiceEvent, names: Mapping[str, str]) -> dict[str, Any]:
    facts = {name: value for name, value in event.payload.items() if _is_displayable(value)}
    actor = facts.pop("actor", "")
    shown = ((label(name), _display(name, value)) for name, value in facts.items())
    note = Markup(" · ").join(Markup("{}: {}").format(*pair) for pair in shown)
    title = label(f"einvoice.{event.type}")
    return {"at": event.created_at, "title": title, "who": names.get(actor, actor), "note": note}


def _display(name: str, value: Any) -> str:
    """Value of a history entry as text: a time, yes or no, an amount, the name of a provider."""
    if isinstance(value, bool):
        return str(gettext("yes") if value else gettext("no"))
    if isinstance(value, int | float | Decimal):
        return str(value) if name.endswith("_id") else money(Decimal(str(value)))
    if name.endswith("_at"):
        return moment(datetime.fromisoformat(value))
    return (
        label(f"provider.{value}") if name == "provider" and f"provider.{value}" in LABELS else translate(label(value))
    )


def _is_displayable(value: Any) -> bool:
    return value not in {None, ""} if isinstance(value, str | int | float | Decimal | None) else False


def _redirect(message: str, einvoice_id: int) -> BaseResponse:
    return redirect_with_success(message, "admin.einvoices.show", einvoice_id=einvoice_id)
