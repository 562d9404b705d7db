"""``/admin/sales/review``: invoices that the warehouse returned to billing, corrected one after another."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app import events
from app.accounts.guards import requires
from app.accounts.principals import authenticate
from app.admin.forms.line_table import read_version
from app.admin.forms.number_input import separators
from app.admin.forms.review_table import TableRow, add_errors, stored_rows, submitted_rows
from app.admin.helpers import SEE_OTHER, redirect_to, submitted_version
from app.admin.list_query import parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.sales_tables import REVIEW
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import BadRequest, Conflict, Invalid, Refusal
from app.sales.access import actor
from app.sales.errors import ChangedMeanwhile
from app.sales.events import REVIEW as RETURNED
from app.sales.events import UPDATED
from app.sales.floor import review_queue
from app.sales.models.invoices import SalesInvoice
from app.sales.queries import lists, lookup
from app.sales.schemas.lists import InvoiceFilters
from app.sales.state_machine import Status

blp = Blueprint("review_desk", __name__, url_prefix="/sales/review")

#: The invoices of the queue that are listed beside the open one.
_LISTED = 12
_EVENTS = (RETURNED.name, UPDATED.name)


@blp.get("")
@requires("sales:import")
def index() -> str | Response:
    """The queue, longest waiting first."""
    filters = parse_filters(InvoiceFilters(exclude=("status",)))
    source = lists.queue_source("review", filters.values, authenticate().user_id)
    oldest = review_queue.list_waiting(1)
    return show_list("admin/review_desk_list.html", REVIEW, source, filters, oldest=oldest, stream=_stream())


@blp.get("/<int:invoice_id>")
@requires("sales:import")
def show(invoice_id: int) -> str | Response:
    """An invoice of the queue with the reason of its return and a table of its items."""
    invoice = lookup.find(invoice_id)
    if invoice.status != Status.REVIEW:
        flash(gettext("%(number)s is not in review.", number=invoice.invoice_no), "info")
        return redirect_to("admin.sales.show", invoice_id=invoice_id)
    return _page(invoice, stored_rows(invoice), clock.iso(invoice.updated_at))


@blp.post("/<int:invoice_id>")
@requires("sales:import")
def save(invoice_id: int) -> str | Response | tuple[str, int]:
    """Correct the invoice and open the next one; after a refusal the page shows what was typed."""
    invoice = lookup.find(invoice_id)
    version, notes = submitted_version(), request.form.get("resolution_notes", "").strip()
    rows, read_at = submitted_rows(invoice, request.form), read_version(version)
    data = {"items": [row.payload() for row in rows], "replace_items": True, "resolution_notes": notes}
    try:
        with db.session.begin_nested():
            review_queue.correct_unchanged(invoice_id, read_at, data, [row.line_no for row in rows], actor())
    except (Invalid, BadRequest, Conflict) as refusal:
        return _refused(invoice_id, rows, version, notes, refusal)
    flash(gettext("%(number)s is corrected.", number=invoice.invoice_no), "good")
    following = review_queue.next_after(invoice_id, read_at)
    return redirect(_address(following), SEE_OTHER)


@blp.get("/<int:invoice_id>/live")
@requires("sales:import")
def live(invoice_id: int) -> str:
    """What changes while an invoice is open: the queue, and whether somebody changed the invoice."""
    invoice, read_at = lookup.find(invoice_id), read_version(request.args.get("version", ""))
    return render_template("admin/review_desk_live.html", **_live_values(invoice, read_at))


def _refused(invoice_id: int, rows: list[TableRow], version: str, notes: str, refusal: Refusal) -> tuple[str, int]:
    invoice = lookup.find(invoice_id)
    errors = [] if isinstance(refusal, ChangedMeanwhile) else add_errors(rows, refusal)
    status = Conflict.status if isinstance(refusal, Conflict) else 422
    return _page(invoice, rows, version, notes=notes, errors=errors, is_refused=True), status


def _page(invoice: SalesInvoice, rows: list[TableRow], version: str, **more: Any) -> str:
    decimal, group = separators()
    return render_template(
        "admin/review_desk_show.html",
        rows=rows,
        new_row=TableRow(),
        version=version,
        stream=_stream(),
        skip_url=_address(review_queue.next_after(invoice.id, read_version(version))),
        separators={"decimal": decimal, "group": group},
        **_live_values(invoice, read_version(version)),
        **more,
    )


def _live_values(invoice: SalesInvoice, read_at: datetime) -> dict[str, Any]:
    is_changed = invoice.updated_at != read_at
    return {
        "invoice": invoice,
        "waiting": review_queue.list_waiting(_LISTED),
        "is_changed": is_changed,
        "last_step": review_queue.last_step(invoice.id) if is_changed else None,
    }


def _stream() -> dict[str, str]:
    """Address and event names of the stream that tells of changes of the queue."""
    head = events.last_position()
    address = url_for("Events.Stream", topics=",".join(_EVENTS), last_event_id=head)
    return {"address": address, "events": " ".join(_EVENTS)}


def _address(invoice_id: int | None) -> str:
    if invoice_id is None:
        return url_for("admin.review_desk.index")
    return url_for("admin.review_desk.show", invoice_id=invoice_id)
