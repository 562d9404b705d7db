"""A sales invoice as the source of an e-invoice: buyer, lines and prices as plain values."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, select

from app.extensions import db
from app.sales.models.invoices import ReturnRecord, SalesInvoice
from app.sales.models.masters import Customer
from app.sales.queries.lookup import find_by_number
from app.sales.state_machine import Status

#: Characters of the second line of an address in parts.
_LONGEST_LINE = 300


def billable_invoice(invoice_no: str) -> dict[str, Any]:
    """An invoice by its number.

    Raises:
        UnknownInvoice: there is none.
    """
    invoice = find_by_number(invoice_no)
    items = [
        {
            "sku": item.item_code,
            "name": item.name,
            "quantity": Decimal(item.quantity),
            "unit_price": item.mrp,
            "barcode": item.barcode,
            "batch": item.batch_no or None,
            "expiry": item.expiry_date,
        }
        for item in invoice.items
    ]
    return {"buyer": _buyer(invoice.customer), "items": items, "notes": invoice.remarks}


def lock(invoice_no: str) -> bool:
    """Lock an invoice until the commit, and return whether it is in review; False for an unknown number."""
    return _is_in_review(_status(invoice_no).with_for_update(key_share=True))


def is_in_review(invoice_no: str) -> bool:
    """Whether an invoice is in review; False for an unknown number."""
    return _is_in_review(_status(invoice_no))


def was_corrected(invoice_no: str, moment: datetime) -> bool:
    """Whether billing corrected an invoice after a moment."""
    corrected = (
        select(ReturnRecord.id)
        .join(SalesInvoice, SalesInvoice.id == ReturnRecord.invoice_id)
        .where(SalesInvoice.invoice_no == invoice_no, ReturnRecord.resolved_at > moment)
    )
    return db.session.scalar(corrected.limit(1)) is not None


def _status(invoice_no: str) -> Select[Any]:
    return select(SalesInvoice.status).where(SalesInvoice.invoice_no == invoice_no)


def _is_in_review(query: Select[Any]) -> bool:
    status: str | None = db.session.scalar(query)
    return status == Status.REVIEW


def _buyer(customer: Customer) -> dict[str, Any]:
    """The customer as a buyer; facts for legal documents that nobody said are left out."""
    lines = (customer.address1, customer.address2, customer.address3, f"{customer.pincode} {customer.area}".strip())
    return {
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone1 or customer.phone2,
        "address": "\n".join(line for line in lines if line),
        **_legal_facts(customer),
    }


def _legal_facts(customer: Customer) -> dict[str, Any]:
    facts: dict[str, Any] = {name: getattr(customer, name) for name in ("tax_id", "tax_scheme", "tax_office")}
    if customer.endpoint:
        facts["endpoint"] = {"value": customer.endpoint, "scheme": customer.endpoint_scheme}
    if customer.city or customer.country:
        facts["postal_address"] = _postal_address(customer)
    return {name: value for name, value in facts.items() if value}


def _postal_address(customer: Customer) -> dict[str, str]:
    """The address in parts; a third line that does not fit is in the printed address alone."""
    both = ", ".join(line for line in (customer.address2, customer.address3) if line)
    parts = {
        "street": customer.address1,
        "additional": both if len(both) <= _LONGEST_LINE else customer.address2,
        "district": customer.district,
        "city": customer.city,
        "postcode": customer.pincode,
        "region": customer.region,
        "country": customer.country,
    }
    return {name: value for name, value in parts.items() if value}
