"""``/admin/sales``: lists, detail page with history, and the steps of the sales floor."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from werkzeug.wrappers import Response

from app.accounts import modules
from app.accounts.guards import requires
from app.accounts.principals import authenticate
from app.admin.helpers import redirect_with_success
from app.admin.i18n.labels import label
from app.admin.list_query import Filters, parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.sales_tables import INVOICES
from app.einvoices import sellers
from app.einvoices.access import MODULE
from app.einvoices.lifecycle import from_sales
from app.einvoices.provider_accounts import directory
from app.kernel.errors import NotFound
from app.kernel.pagination.limits import MAX_PAGE_SIZE
from app.kernel.pagination.walk import QuerySource
from app.sales import masters
from app.sales.access import actor
from app.sales.floor import available_steps, history, transitions
from app.sales.models.invoices import SalesInvoice
from app.sales.queries import lists, lookup
from app.sales.schemas.lists import InvoiceFilters
from app.sales.state_machine import Outcome, Step

blp = Blueprint("sales", __name__, url_prefix="/sales")

#: Queue of the sales floor -> its label.
QUEUES: dict[str, LazyString] = {
    "picking": lazy_gettext("To pick"),
    "packing": lazy_gettext("To pack"),
    "delivery": lazy_gettext("To deliver"),
    "mine": lazy_gettext("My invoices"),
    "review": lazy_gettext("In review"),
    "on-hold": lazy_gettext("On hold"),
    "delivered-today": lazy_gettext("Delivered today"),
}
#: Outcomes of steps that undo something: their buttons are red and ask for confirmation.
_UNDO_OUTCOMES = {Outcome.CANCELLED, Outcome.RETURNED}


@blp.get("")
@requires("sales:read")
def index() -> str | Response:
    """Invoices that match the filters, newest first."""
    filters = parse_filters(InvoiceFilters())
    return _list(lists.source(filters.values), filters, None)


@blp.get("/queue/<name>")
@requires("sales:read")
def queue(name: str) -> str | Response:
    """Invoices in one queue of the sales floor."""
    filters = parse_filters(InvoiceFilters())
    return _list(lists.queue_source(name, filters.values, authenticate().user_id), filters, name)


def _list(source: QuerySource, filters: Filters, queue: str | None) -> str | Response:
    return show_list("admin/sales_list.html", INVOICES, source, filters, queues=_queue_counts(), queue=queue)


@blp.get("/<int:invoice_id>")
@requires("sales:read")
def show(invoice_id: int) -> str:
    """One invoice with its items, its history and the available steps."""
    invoice = lookup.find(invoice_id)
    may_act = "sales:write" in authenticate().abilities
    steps = available_steps.available_steps(invoice, actor()) if may_act else []
    names = {step.name for step in steps}
    return render_template(
        "admin/sales_show.html",
        invoice=invoice,
        entries=_timeline(invoice),
        steps=[step for step in steps if not step.needs],
        dialog_steps=[step for step in steps if step.needs],
        primary_steps={step.name for step in steps if _is_primary(step)},
        undo_steps={step.name for step in steps if step.ends in _UNDO_OUTCOMES},
        couriers=masters.active_couriers() if "delivery.courier" in names else (),
        **_einvoice_choices(invoice.invoice_no),
        workers=transitions.list_workers() if "delivery.internal" in names else (),
    )


@blp.post("/<int:invoice_id>/steps/<name>")
@requires("sales:write")
def step(invoice_id: int, name: str) -> Response:
    """Perform a step with the data of its form."""
    if name not in available_steps.OFFERED:
        raise NotFound
    invoice = lookup.find(invoice_id)
    fields = {field: text.strip() for field, text in request.form.items() if field != "csrf_token" and text.strip()}
    changed = available_steps.perform(name, {**fields, "invoice_no": invoice.invoice_no}, actor())
    message = gettext("%(number)s: %(step)s.", number=changed.invoice_no, step=label(name))
    return redirect_with_success(message, "admin.sales.show", invoice_id=invoice_id)


def _is_primary(step: Step) -> bool:
    """Whether this is the next step of most invoices: its button is the primary one."""
    return step.delivery_type is None and step.ends not in {*_UNDO_OUTCOMES, Outcome.HELD}


def _einvoice_choices(invoice_no: str) -> dict[str, Any]:
    """The viewer's e-invoice of a sales invoice; or whether they may create one, and the choices for it."""
    caller = authenticate()
    may_write = "einvoices:write" in caller.abilities and modules.is_enabled(caller.user_id, MODULE)
    if not may_write or caller.user_id is None:
        return {}
    if kept := from_sales.find_kept(invoice_no, caller.user_id):
        return {"own_einvoice": kept}
    with_vat = sellers.profile_of(caller.user_id).prices_include_vat
    accounts = directory.choices(caller.user_id)
    return {"may_create_einvoice": True, "prices_include_vat": with_vat, "accounts": accounts}


def _queue_counts() -> list[tuple[str, LazyString, str]]:
    counted = lists.count_queues(authenticate().user_id)
    return [(q["name"], QUEUES[q["name"]], f"{q['count']}{'' if q['count_exact'] else '+'}") for q in counted]


def _timeline(invoice: SalesInvoice) -> list[dict[str, Any]]:
    """History, newest first, limited to the largest page of the API."""
    steps = history.find_history(invoice.id, {"cursor": "", "page_size": MAX_PAGE_SIZE}).results
    return [_timeline_entry(step if isinstance(step, dict) else vars(step)) for step in reversed(steps)]


def _timeline_entry(step: dict[str, Any]) -> dict[str, Any]:
    worker = step.get("worker")
    who = step["actor"] if worker in {None, step["actor"]} else f"{step['actor']} → {worker}"
    texts = [step["note"], *(_detail_text(name, value) for name, value in step["details"].items())]
    return {"at": step["at"], "title": label(step["step"]), "who": who, "note": " · ".join(filter(None, texts))}


def _detail_text(name: str, value: Any) -> str:
    """Detail of a step as text; a correction shows the old and the new value of each changed field."""
    if isinstance(value, list):
        return " · ".join(f"{part['item_code']}: {_detail_text('', part['fields'])}" for part in value)
    if isinstance(value, dict) and value.keys() == {"old", "new"}:
        return f"{label(name)}: {value['old']} → {value['new']}"
    if isinstance(value, dict):
        return ", ".join(_detail_text(key, part) for key, part in value.items())
    return f"{label(name)}: {label(str(value))}"
