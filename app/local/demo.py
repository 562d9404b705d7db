"""Demo data of the local run: sales invoices of a small pharmacy distributor, and its seller profile."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from app.einvoices import sellers
from app.kernel import clock
from app.sales.errors import UnknownInvoice
from app.sales.imports import single
from app.sales.queries import lookup
from app.sales.state_machine import Priority

_CUSTOMERS: tuple[dict[str, str], ...] = (
    {"code": "CUST-101", "name": "Grace Medicals", "area": "Ernakulam", "phone1": "9847000101"},
    {"code": "CUST-102", "name": "Şifa Eczanesi", "area": "Kadıköy", "phone1": "9847000102"},
    {"code": "CUST-103", "name": "صيدلية النور", "area": "Deira", "phone1": "9847000103"},
    {"code": "CUST-104", "name": "City Care Pharmacy and Surgical Supplies", "area": "Thrissur"},
)
_PRODUCTS: tuple[tuple[str, str, str, str], ...] = (
    ("Paracetamol 650mg", "PR650", "3.50", "Sun Pharma"),
    ("Otrivin Nasal Spray", "OTN10", "85.00", "Novartis"),
    ("Amoxicillin 500mg", "AMX500", "7.25", "Cipla"),
    ("Cetirizine 10mg", "CTZ10", "1.90", "Dr. Reddy's"),
    ("Insulin Glargine 3ml", "INSG3", "612.40", "Biocon"),
)
_INVOICE_COUNT = 8
_SELLER = {
    "name": "Demo Ecza Deposu Ltd. Şti.",
    "tax_id": "1234567890",
    "tax_office": "Kadıköy",
    "address": "Bahariye Cad. 12\n34710 Kadıköy, İstanbul",
}


def import_demo_invoices() -> None:
    """Import the demo invoices unless they exist."""
    try:
        lookup.find_by_number(_number(1))
    except UnknownInvoice:
        for position in range(1, _INVOICE_COUNT + 1):
            single.import_invoice(_invoice(position), created_user_id=None)


def make_seller(owner_id: int, actor: str) -> None:
    """Save the seller profile of a user who has none, so that e-invoices can be issued."""
    if not sellers.has_profile(owner_id):
        sellers.save(owner_id, actor=actor, **_SELLER)


def _number(position: int) -> str:
    return f"DEMO-{1000 + position}"


def _invoice(position: int) -> dict[str, Any]:
    products = [_PRODUCTS[(position + step) % len(_PRODUCTS)] for step in range(1 + position % 3)]
    return {
        "invoice_no": _number(position),
        "invoice_date": clock.now().date() - timedelta(days=position // 3),
        "salesman": ("Ajay", "Meera")[position % 2],
        "created_by": "demo",
        "priority": tuple(Priority)[position % len(Priority)].value,
        "customer": _CUSTOMERS[position % len(_CUSTOMERS)],
        "items": [_item(number, product) for number, product in enumerate(products, start=position)],
    }


def _item(number: int, product: tuple[str, str, str, str]) -> dict[str, Any]:
    name, code, mrp, company = product
    return {
        "name": name,
        "item_code": code,
        "barcode": f"BC-{code}",
        "quantity": 5 * number,
        "mrp": Decimal(mrp),
        "company_name": company,
        "packing": "10x10",
        "shelf_location": f"R-{number:02}",
    }
