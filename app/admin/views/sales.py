"""Sales invoices: found, read with their history, and taken through the warehouse."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from werkzeug.wrappers import Response

from app.accounts import modules
from app.accounts.guards import requires
from app.accounts.principals import authenticate
from app.admin.i18n.labels import label
from app.admin.list_query import parse_filters
from app.einvoices.access import MODULE
from app.kernel.errors import NotFound
from app.kernel.pagination.keyset import KeysetQuery
from app.kernel.pagination.limits import MAX_PAGE_SIZE
from app.sales import masters
from app.sales.access import actor
from app.sales.floor import available_steps, history, transitions
from app.sales.models.invoices import SalesInvoice
from app.sales.queries import lists, lookup
from app.sales.schemas.lists import InvoiceQuery
from app.sales.state_machine import Outcome, Step

_SEE_OTHER = 303
blp = Blueprint("sales", __name__, url_prefix="/sales")

#: Queue of the floor -> what people call it.
QUEUES: dict[str, LazyString] = {
    "picking": lazy_gettext("To pick"),
    "packing": lazy_gettext("To pack"),
    "delivery": lazy_gettext("To deliver"),
    "mine": lazy_gettext("In my hands"),
    "review": lazy_gettext("In review"),
    "on-hold": lazy_gettext("On hold"),
    "delivered-today": lazy_gettext("Delivered today"),
}
#: How a step ends that takes work back: its button is red and asks again.
_UNDOING = {Outcome.CANCELLED, Outcome.RETURNED}


@blp.get("")
@requires("sales:read")
def index() -> str:
    """All invoices, newest first, narrowed by filters."""
    question = parse_filters(InvoiceQuery(), cursor="")
    return render_template(
        "admin/sales_list.html",
        page=lists.find_page(question.values),
        asked=question,
        queues=_counts(),
        queue=None,
    )


@blp.get("/queue/<name>")
@requires("sales:read")
def queue(name: str) -> str:
    """What waits in one queue of the floor."""
    question = parse_filters(KeysetQuery())
    page = lists.find_queue(name, question.values, authenticate().user_id)
    return render_template("admin/sales_list.html", page=page, asked=question, queues=_counts(), queue=name)


@blp.get("/<int:invoice_id>")
@requires("sales:read")
def show(invoice_id: int) -> str:
    """One invoice in full: its lines, its history, and what can be done with it now."""
    invoice = lookup.find(invoice_id)
    may_act = "sales:write" in authenticate().abilities
    steps = available_steps.available_steps(invoice, actor()) if may_act else []
    names = {step.name for step in steps}
    return render_template(
        "admin/sales_show.html",
        invoice=invoice,
        entries=_timeline(invoice),
        steps=[step for step in steps if not step.needs],
        asking=[step for step in steps if step.needs],
        main={step.name for step in steps if _is_usual(step)},
        undoing={step.name for step in steps if step.ends in _UNDOING},
        couriers=masters.active_couriers() if "delivery.courier" in names else (),
        may_invoice=_may_invoice(),
        workers=transitions.list_workers() if "delivery.internal" in names else (),
    )


@blp.post("/<int:invoice_id>/steps/<name>")
@requires("sales:write")
def step(invoice_id: int, name: str) -> Response:
    """Take a step, with what its form says."""
    if name not in available_steps.OFFERED:
        raise NotFound
    invoice = lookup.find(invoice_id)
    sent = {field: text.strip() for field, text in request.form.items() if field != "csrf_token" and text.strip()}
    done = available_steps.perform(name, {**sent, "invoice_no": invoice.invoice_no}, actor())
    flash(gettext("%(number)s: %(step)s.", number=done.invoice_no, step=label(name)), "good")
    return redirect(url_for("admin.sales.show", invoice_id=invoice_id), _SEE_OTHER)


def _is_usual(step: Step) -> bool:
    """The next step of most invoices: its button stands out."""
    return step.delivery_type is None and step.ends not in {*_UNDOING, Outcome.HELD}


def _may_invoice() -> bool:
    caller = authenticate()
    return "einvoices:write" in caller.abilities and modules.is_enabled(caller.user_id, MODULE)


def _counts() -> list[tuple[str, LazyString, str]]:
    counted = lists.count_queues(authenticate().user_id)
    return [(q["name"], QUEUES[q["name"]], f"{q['count']}{'' if q['count_exact'] else '+'}") for q in counted]


def _timeline(invoice: SalesInvoice) -> list[dict[str, Any]]:
    """The newest first, as many as one page of the API gives; more than that nobody reads."""
    steps = history.find_history(invoice.id, {"cursor": "", "page_size": MAX_PAGE_SIZE}).results
    return [_entry(found if isinstance(found, dict) else vars(found)) for found in reversed(steps)]


def _entry(step: dict[str, Any]) -> dict[str, Any]:
    worker = step.get("worker")
    who = step["actor"] if worker in {None, step["actor"]} else f"{step['actor']} → {worker}"
    told = [step["note"], *(_told(name, value) for name, value in step["details"].items())]
    return {"at": step["at"], "title": label(step["step"]), "who": who, "note": " · ".join(t for t in told if t)}


def _told(name: str, value: Any) -> str:
    """What a step was told; a correction tells each change by its old and new value."""
    if isinstance(value, list):
        return " · ".join(f"{part['item_code']}: {_told('', part['fields'])}" for part in value)
    if isinstance(value, dict) and value.keys() == {"old", "new"}:
        return f"{label(name)}: {value['old']} → {value['new']}"
    if isinstance(value, dict):
        return ", ".join(_told(key, part) for key, part in value.items())
    return f"{label(name)}: {label(str(value))}"
