"""E-invoices: found, read with their PDF and timeline, issued, sent, cancelled and given back."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from markupsafe import Markup
from marshmallow import Schema
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.ownership import owner_id, scope
from app.accounts.principals import authenticate
from app.admin.helpers import loaded
from app.admin.i18n.labels import WORDS, label, moment, money
from app.admin.i18n.translate import translate
from app.admin.list_query import link, parse_filters
from app.einvoices.access import requires_einvoices
from app.einvoices.errors import UnknownEinvoice
from app.einvoices.lifecycle import credit_notes, drafts
from app.einvoices.lifecycle import issue as lifecycle_issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.pdf import print_job
from app.einvoices.queries import lookup
from app.einvoices.schemas.einvoices import EinvoiceCreditSchema, EinvoiceReasonSchema, FromSalesSchema
from app.einvoices.schemas.lists import ListQuery
from app.einvoices.status import CANCELLABLE, CREDITABLE, SENDABLE, Status, Type
from app.kernel.worker.work_queue import WorkState
from app.pdf import files

_SEE_OTHER = 303
blp = Blueprint("einvoices", __name__, url_prefix="/einvoices")


@blp.get("")
@requires_einvoices("einvoices:read")
def index() -> str:
    """E-invoices, newest first, narrowed by filters."""
    question = parse_filters(ListQuery(), cursor="")
    found = lookup.find_page(question.values, scope())
    following = found.meta["next_cursor"]
    onwards = link(cursor=following) if following else None
    return render_template("admin/einvoices_list.html", found=found.data, following=onwards, asked=question)


@blp.get("/<int:einvoice_id>")
@requires_einvoices("einvoices:read")
def show(einvoice_id: int) -> str:
    """One e-invoice in full."""
    einvoice = lookup.find(einvoice_id, scope(), items=True, events=True)
    return render_template(
        "admin/einvoices_show.html",
        einvoice=einvoice,
        original=lookup.find(einvoice.original_id, scope(), items=False) if einvoice.original_id else None,
        notes=lookup.list_credits(einvoice),
        entries=[_entry(event) for event in reversed(einvoice.events)],
        can=_possible(einvoice) if "einvoices:write" in authenticate().abilities else set(),
        is_printing=einvoice.pdf_state == WorkState.PENDING,
    )


@blp.get("/<int:einvoice_id>/pdf")
@requires_einvoices("einvoices:read")
def pdf(einvoice_id: int) -> Response:
    """The PDF, to look at or, with ``?download=1``, to keep."""
    return files.send_pdf(print_job.stored_pdf(einvoice_id, scope()), download="download" in request.args)


@blp.post("/from-sales")
@requires_einvoices("einvoices:write")
def from_sales() -> BaseResponse:
    """Make a draft of a sales invoice, or open the one that was made of it before."""
    einvoice, made = drafts.from_sales(_loaded(FromSalesSchema(), "invoice_no"), owner_id())
    flash(gettext("A draft was made.") if made else gettext("It had been made before; this is it."), "good")
    return _to(einvoice.id)


@blp.post("/<int:einvoice_id>/issue")
@requires_einvoices("einvoices:write")
def issue(einvoice_id: int) -> BaseResponse:
    """Give a draft its number and date."""
    einvoice = lifecycle_issue.issue(einvoice_id, scope())
    flash(gettext("Issued as %(number)s. Its PDF follows within seconds.", number=einvoice.invoice_no), "good")
    return _to(einvoice_id)


@blp.post("/<int:einvoice_id>/send")
@requires_einvoices("einvoices:write")
def send(einvoice_id: int) -> BaseResponse:
    """Hand an issued e-invoice to its provider."""
    lifecycle_issue.send(einvoice_id, scope())
    flash(gettext("It is on its way to the provider."), "good")
    return _to(einvoice_id)


@blp.post("/<int:einvoice_id>/cancel")
@requires_einvoices("einvoices:write")
def cancel(einvoice_id: int) -> BaseResponse:
    """Cancel a draft or an issued e-invoice."""
    lifecycle_issue.cancel(einvoice_id, _loaded(EinvoiceReasonSchema(), "reason")["reason"], scope())
    flash(gettext("Cancelled."), "good")
    return _to(einvoice_id)


@blp.post("/<int:einvoice_id>/reprint")
@requires_einvoices("einvoices:write")
def reprint(einvoice_id: int) -> BaseResponse:
    """Have the PDF made again."""
    lifecycle_issue.reprint(einvoice_id, scope())
    flash(gettext("The PDF is being made again."), "good")
    return _to(einvoice_id)


@blp.post("/<int:einvoice_id>/give-back/<kind>")
@requires_einvoices("einvoices:write")
def give_back(einvoice_id: int, kind: str) -> BaseResponse:
    """Draft a return or a credit note of what was chosen, or of all that is left."""
    if kind not in {Type.RETURN, Type.CREDIT_NOTE}:
        raise UnknownEinvoice
    chosen = [
        {"item_id": int(name.removeprefix("quantity-")), "quantity": text.strip()}
        for name, text in request.form.items()
        if name.removeprefix("quantity-").isdecimal() and text.strip()
    ]
    data = _loaded(EinvoiceCreditSchema(), "reason", **({"items": chosen} if chosen else {}))
    credit = credit_notes.draft_credit(einvoice_id, Type(kind), data, scope())
    flash(gettext("A draft was made."), "good")
    return _to(credit.id)


def _possible(einvoice: Einvoice) -> set[str]:
    """The verbs that the e-invoice's state allows; the service has the last word."""
    status, is_sale = einvoice.status, einvoice.type == Type.SALE
    allowed = {
        "issue": status == Status.DRAFT,
        "send": status in SENDABLE,
        "cancel": status in CANCELLABLE,
        "give_back": is_sale and status in CREDITABLE and einvoice.credited_total < einvoice.grand_total,
        "reprint": einvoice.number is not None,
    }
    return {verb for verb, is_allowed in allowed.items() if is_allowed}


def _entry(event: Any) -> dict[str, Any]:
    facts = ((name, _shown(name, value)) for name, value in event.payload.items() if _is_plain(value))
    note = Markup(" · ").join(Markup("{}: {}").format(label(name), shown) for name, shown in facts)
    return {"at": event.created_at, "title": label(f"einvoice.{event.type}"), "who": "", "note": note}


def _shown(name: str, value: Any) -> str:
    """A fact of the history as people read it: a moment, yes or no, the name of a provider, an amount."""
    if isinstance(value, bool):
        return str(gettext("yes") if value else gettext("no"))
    if isinstance(value, int | float | Decimal):
        return str(value) if name.endswith("_id") else money(Decimal(str(value)))
    if name.endswith("_at"):
        return moment(datetime.fromisoformat(value))
    return (
        label(f"provider.{value}") if name == "provider" and f"provider.{value}" in WORDS else translate(label(value))
    )


def _is_plain(value: Any) -> bool:
    return value not in {None, ""} if isinstance(value, str | int | float | Decimal | None) else False


def _loaded(schema: Schema, *fields: str, **more: Any) -> dict[str, Any]:
    sent = {name: request.form[name] for name in fields if request.form.get(name, "").strip()}
    return loaded(schema, **sent, **more)


def _to(einvoice_id: int) -> BaseResponse:
    return redirect(url_for("admin.einvoices.show", einvoice_id=einvoice_id), _SEE_OTHER)
