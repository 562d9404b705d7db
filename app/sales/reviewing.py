"""Sending an invoice back to billing, and taking the ERP's correction of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app import events
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.sales.errors import NotInReview, NotReturnable
from app.sales.events import REVIEW, UPDATED
from app.sales.importing import item_values, line_total, total_of
from app.sales.models import Customer, ReturnRecord, SalesInvoice, SalesItem, Salesman
from app.sales.service import find_by_number
from app.sales.workflow import RESUMED_STATUS, RETURNING_SECTION, BillingStatus, Status

_HEADER = ("invoice_date", "created_by", "priority", "declared_total", "temp_name", "remarks", "extra")
_NEW_ITEM_NEEDS = ("name", "item_code", "quantity", "mrp")


def return_to_billing(invoice_no: str, reason: str, *, returned_by: str, returned_by_id: int | None) -> SalesInvoice:
    """Put an invoice in REVIEW, on behalf of the section that holds it.

    Raises:
        UnknownInvoice: no such number.
        NotReturnable: it is in no section's hands.
    """
    invoice = find_by_number(invoice_no, lock=True)
    section = RETURNING_SECTION.get(invoice.status)
    if section is None:
        raise NotReturnable(invoice.status)
    moment = clock.now()
    invoice.returns.append(
        ReturnRecord(
            reason=reason,
            section=section.value,
            returned_from_status=invoice.status,
            returned_by=returned_by,
            returned_by_id=returned_by_id,
            returned_at=moment,
            resolution_notes="",
        )
    )
    invoice.status, invoice.billing_status = Status.REVIEW.value, BillingStatus.REVIEW.value
    invoice.updated_at = moment
    db.session.flush()
    events.emit(REVIEW, invoice, subject_id=invoice.id)
    return invoice


def correct(data: Mapping[str, Any], *, corrected_by: str) -> SalesInvoice:
    """Apply the ERP's correction to an invoice in REVIEW and hand it back to the section that returned it.

    Raises:
        UnknownInvoice: no such number.
        NotInReview: it is not in REVIEW.
        Invalid: an item matches several lines or is new and incomplete, or the total becomes too large.
    """
    invoice = find_by_number(data["invoice_no"], lock=True)
    if invoice.status != Status.REVIEW:
        raise NotInReview(invoice.status)
    for name in _HEADER:
        if name in data:
            setattr(invoice, name, data[name])
    if "customer" in data:
        invoice.customer = _customer(data["customer"])
    if "salesman" in data:
        invoice.salesman = _salesman(data["salesman"])
    _correct_items(invoice, data["items"], replace=data["replace_items"])
    invoice.total_amount = total_of(item.line_total for item in invoice.items)
    _resume(invoice, data["resolution_notes"], corrected_by)
    db.session.flush()
    events.emit(UPDATED, invoice, subject_id=invoice.id)
    return invoice


def _resume(invoice: SalesInvoice, notes: str, corrected_by: str) -> None:
    moment, record = clock.now(), invoice.returns[-1]
    record.resolution_notes, record.resolved_by, record.resolved_at = notes, corrected_by, moment
    invoice.status = RESUMED_STATUS[record.section].value
    invoice.billing_status = BillingStatus.RE_INVOICED.value
    invoice.updated_at = moment


def _correct_items(invoice: SalesInvoice, corrections: list[Mapping[str, Any]], *, replace: bool) -> None:
    before, named = list(invoice.items), list[SalesItem]()
    # All are told by what is stored, before the first of them changes a barcode that another may look for.
    matches = [_matching(before, correction) for correction in corrections]
    next_line = max((item.line_no for item in before), default=0) + 1
    faults: dict[int, Any] = {}
    for number, (correction, found) in enumerate(zip(corrections, matches, strict=True)):
        missing = [] if found else [name for name in _NEW_ITEM_NEEDS if name not in correction]
        if len(found) > 1:
            field = "barcode" if correction.get("barcode") else "item_code"
            faults[number] = {field: [f"Matches {len(found)} items of this invoice; send barcode and item_code."]}
        elif found and found[0] in named:
            faults[number] = {"item_code": ["This item was already named in this correction."]}
        elif missing:
            faults[number] = {name: ["This field is required."] for name in missing}
        elif found:
            _change(found[0], correction)
            named.append(found[0])
        else:
            invoice.items.append(SalesItem(**item_values(correction, next_line)))
            next_line += 1
    if faults:
        raise Invalid({"items": faults})
    if replace:
        for item in before:
            if item not in named:
                invoice.items.remove(item)


def _matching(items: list[SalesItem], correction: Mapping[str, Any]) -> list[SalesItem]:
    """By barcode first, else by item code; a code that is sent too tells lines of one barcode apart."""
    barcode, code = correction.get("barcode"), correction.get("item_code")
    found = [item for item in items if barcode and item.barcode == barcode]
    if not found:
        return [item for item in items if code and item.item_code == code]
    narrowed = [item for item in found if item.item_code == code]
    return narrowed if len(found) > 1 and narrowed else found


def _change(item: SalesItem, correction: Mapping[str, Any]) -> None:
    for name, value in correction.items():
        setattr(item, name, value)
    item.line_total = line_total(item.quantity, item.mrp)


def _customer(data: Mapping[str, Any]) -> Customer:
    # Only as much of a lock as a change needs: imports for the same customer go on beside it.
    query = select(Customer).where(Customer.code == data["code"]).with_for_update(key_share=True)
    customer: Customer | None = db.session.scalar(query)
    if customer is None:
        if "name" not in data:
            raise Invalid({"customer": {"name": ["This field is required."]}})
        db.session.execute(insert(Customer).values(**data).on_conflict_do_nothing())
        customer = db.session.scalars(query).one()
    if any(getattr(customer, name) != value for name, value in data.items()):
        for name, value in data.items():
            setattr(customer, name, value)
        customer.updated_at = clock.now()
    return customer


def _salesman(name: str) -> Salesman:
    db.session.execute(insert(Salesman).values(name=name, created_at=clock.now()).on_conflict_do_nothing())
    salesman: Salesman = db.session.scalars(select(Salesman).where(Salesman.name == name)).one()
    return salesman
