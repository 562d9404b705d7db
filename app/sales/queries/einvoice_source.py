"""A sales invoice as the source of an e-invoice: buyer, lines and prices as plain values."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from app.sales.models.masters import Customer
from app.sales.queries.lookup import find_by_number


def billable_invoice(invoice_no: str) -> dict[str, Any]:
    """An invoice by its number.

    Raises:
        UnknownInvoice: there is none.
    """
    invoice = find_by_number(invoice_no)
    items = [
        {"sku": item.item_code, "name": item.name, "quantity": Decimal(item.quantity), "unit_price": item.mrp}
        for item in invoice.items
    ]
    return {"buyer": _buyer(invoice.customer), "items": items, "notes": invoice.remarks}


def _buyer(customer: Customer) -> dict[str, str]:
    lines = (customer.address1, customer.address2, customer.address3, f"{customer.pincode} {customer.area}".strip())
    return {
        "name": customer.name,
        "email": customer.email,
        "phone": customer.phone1 or customer.phone2,
        "address": "\n".join(line for line in lines if line),
    }
