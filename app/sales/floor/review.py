"""Returns of an invoice to billing, and the ERP's correction of the invoice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import events
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_
from app.sales.errors import NotInReview, NotReturnable
from app.sales.events import REVIEW, UPDATED
from app.sales.floor import work_sessions
from app.sales.floor.correction_diff import changes, snapshot
from app.sales.floor.history import Actor, record
from app.sales.floor.item_matches import AmbiguousItem, candidate_lines, match_items
from app.sales.floor.transitions import clear_delivery
from app.sales.imports.derived_columns import INVOICE_ROW, ITEM
from app.sales.imports.single import item_values, line_total, total_of
from app.sales.models.invoices import ReturnRecord, SalesInvoice, SalesItem
from app.sales.models.masters import Customer, Salesman
from app.sales.queries.lookup import find_by_number
from app.sales.queries.search import customer_words, invoice_words, vector
from app.sales.state_machine import RESUMED_STATUS, RETURNING_SECTION, BillingStatus, Outcome, Status, Step

_NEW_ITEM_NEEDS = tuple(column.name for column in ITEM if column.is_required)


def return_to_billing(step: Step, data: Mapping[str, Any], actor: Actor) -> SalesInvoice:
    """Put an invoice in REVIEW for the section that has it; its session and any hold end.

    Raises:
        UnknownInvoice: no such number.
        NotReturnable: it is in no section's hands.
    """
    invoice, reason = find_by_number(data["invoice_no"], lock=True), data["return_reason"]
    section = RETURNING_SECTION.get(invoice.status)
    if section is None:
        raise NotReturnable(invoice.status)
    moment, before = clock.now(), invoice.status
    invoice.returns.append(
        ReturnRecord(
            reason=reason,
            section=section.value,
            returned_from_status=before,
            returned_by=actor.name,
            returned_by_id=actor.user_id,
            returned_at=moment,
            resolution_notes="",
        )
    )
    work_sessions.release(invoice, Outcome.RETURNED)
    clear_delivery(invoice)
    invoice.hold_reason = invoice.held_by = invoice.held_at = None
    invoice.status, invoice.billing_status = Status.REVIEW.value, BillingStatus.REVIEW.value
    invoice.updated_at = moment
    details = {"return_reason": reason, "section": section.value}
    record(invoice, step.name, before, actor, details=details)
    db.session.flush()
    events.emit(REVIEW, invoice, subject_id=invoice.id)
    return invoice


def correct(step: Step, data: Mapping[str, Any], actor: Actor) -> SalesInvoice:
    """Apply the ERP's correction to an invoice in REVIEW and return it to the section that sent it.

    The worker who had the invoice gets it back if free; else it waits to be started.

    Raises:
        UnknownInvoice: no such number.
        NotInReview: it is not in REVIEW.
        Invalid: an item matches several lines, names no line or is new and incomplete, or the total becomes too large.
    """
    invoice = find_by_number(data["invoice_no"], lock=True)
    if invoice.status != Status.REVIEW:
        raise NotInReview(invoice.status)
    before = snapshot(invoice)
    for column in INVOICE_ROW:
        if column.name in data:
            setattr(invoice, column.attribute, data[column.name])
    if "customer" in data:
        invoice.customer = _customer(data["customer"])
    if "salesman" in data:
        invoice.salesman = _salesman(data["salesman"]) if data["salesman"] else None
    _correct_items(invoice, data["items"], replace=data["replace_items"])
    invoice.total_amount = total_of(item.line_total for item in invoice.items)
    invoice.search = vector(invoice_words(invoice.invoice_no, invoice.temp_name, map(vars, invoice.items)))
    _resume(invoice, data["resolution_notes"], actor)
    worker = work_sessions.hand_back(invoice)
    record(
        invoice,
        step.name,
        Status.REVIEW.value,
        actor,
        note=data["resolution_notes"],
        worker=(worker.id, worker.name) if worker else None,
        details={"changes": changes(before, snapshot(invoice))},
    )
    db.session.flush()
    events.emit(UPDATED, invoice, subject_id=invoice.id)
    return invoice


def _resume(invoice: SalesInvoice, notes: str, actor: Actor) -> None:
    moment, returned = clock.now(), invoice.returns[-1]
    returned.resolution_notes, returned.resolved_by, returned.resolved_at = notes, actor.name, moment
    invoice.status = RESUMED_STATUS[returned.section].value
    invoice.billing_status = BillingStatus.RE_INVOICED.value
    invoice.updated_at = moment


def _correct_items(invoice: SalesInvoice, corrections: list[Mapping[str, Any]], *, replace: bool) -> None:
    before = list(invoice.items)
    # All matches are found before the first change: it may change a barcode that another correction names.
    matches = match_items(before, corrections)
    is_known = [bool(candidate_lines(before, correction)) for correction in corrections]
    next_line = max((item.line_no for item in before), default=0) + 1
    faults: dict[int, Any] = {}
    for number, (correction, match) in enumerate(zip(corrections, matches, strict=True)):
        if isinstance(match, AmbiguousItem):
            faults[number] = {match.field: [match.message]}
        elif match is not None:
            _change(match, correction)
        elif fault := _new_item_fault(correction, is_known=is_known[number], replace=replace):
            faults[number] = fault
        else:
            invoice.items.append(SalesItem(**item_values(correction, next_line)))
            next_line += 1
    if faults:
        raise Invalid({"items": faults})
    if replace:
        for item in before:
            if item not in matches:
                invoice.items.remove(item)


def _new_item_fault(correction: Mapping[str, Any], *, is_known: bool, replace: bool) -> dict[str, Any]:
    """Why ``correction``, which has no line, cannot become a new line; empty if it can.

    ``is_known`` means that the invoice has lines of this item, which other corrections name.
    """
    if "line_no" in correction:
        return {"line_no": [N_("This invoice has no such line, or it was already named.")]}
    missing = [name for name in _NEW_ITEM_NEEDS if name not in correction]
    if is_known and (missing or not (replace or correction.get("batch_no"))):
        return {"item_code": [N_("This item was already named in this correction.")]}
    return {name: [N_("This field is required.")] for name in missing}


def _change(item: SalesItem, correction: Mapping[str, Any]) -> None:
    for name, value in correction.items():
        setattr(item, name, value)
    item.line_total = line_total(item.quantity, item.mrp)


def _customer(data: Mapping[str, Any]) -> Customer:
    # FOR NO KEY UPDATE: imports for the same customer are not blocked.
    query = select(Customer).where(Customer.code == data["code"]).with_for_update(key_share=True)
    customer: Customer | None = db.session.scalar(query)
    if customer is None:
        if "name" not in data:
            raise Invalid({"customer": {"name": [N_("This field is required.")]}})
        words = customer_words(data["code"], data["name"])
        db.session.execute(insert(Customer).values(**data, search=vector(words)).on_conflict_do_nothing())
        customer = db.session.scalars(query).one()
    if any(getattr(customer, name) != value for name, value in data.items()):
        for name, value in data.items():
            setattr(customer, name, value)
        customer.search = vector(customer_words(customer.code, customer.name))
        customer.updated_at = clock.now()
    return customer


def _salesman(name: str) -> Salesman:
    db.session.execute(insert(Salesman).values(name=name, created_at=clock.now()).on_conflict_do_nothing())
    salesman: Salesman = db.session.scalars(select(Salesman).where(Salesman.name == name)).one()
    return salesman
