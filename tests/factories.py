"""Factories of complete, valid objects and payloads; a test passes only what differs."""

from __future__ import annotations

import functools
import itertools
from typing import Any

from app.accounts.login.passwords import hash_password
from app.accounts.models.accounts import User
from app.accounts.models.tokens import AccessToken
from app.accounts.roles import ABILITIES
from app.accounts.tokens import service as tokens
from app.einvoices import sellers
from app.einvoices.models.sellers import SellerProfile
from app.extensions import db

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


@functools.cache
def _password_hash() -> str:
    return hash_password(PASSWORD)


def a_user(*, role: str = "admin", **facts: Any) -> User:
    """A stored user whose password is ``PASSWORD``."""
    number = next(_numbers)
    values = {"email": f"user{number}@hub.example", "name": f"User {number}", "password_hash": _password_hash()} | facts
    user = User(role=role, **values)
    db.session.add(user)
    db.session.flush()
    return user


def a_seller(user_id: int, **facts: Any) -> SellerProfile:
    """The stored profile of a seller with all that an e-invoice needs; each user is a company of its own."""
    values = {"name": "Kumaş Ltd.", "tax_id": str(1_000_000_000 + user_id), "address": "Sanayi Cad. 1, Bursa"} | facts
    return sellers.save(user_id, actor="a test", **values)


def a_token(user: User | None = None, **facts: Any) -> tuple[AccessToken, str]:
    """A stored token of ``user`` and its plain text; by default of an admin, with all read abilities."""
    read_abilities = [name for name in ABILITIES if name.endswith(":read")]
    values = {"name": "ERP", "abilities": read_abilities, "actor": "a test"} | facts
    return tokens.create(user or a_user(), **values)


def an_item(**facts: Any) -> dict[str, Any]:
    """A line of a sales payload: 20 × 3.50."""
    number = next(_numbers)
    item = {"name": "Paracetamol 650mg", "item_code": f"PR{number}", "barcode": f"BC-{number}"}
    return {**item, "quantity": 20, "mrp": 3.50} | facts


def a_sale(**facts: Any) -> dict[str, Any]:
    """A sales payload with two lines, 920.00 in total."""
    items = [an_item(), an_item(name="Otrivin Nasal Spray", quantity=10, mrp=85.00)]
    return {
        "invoice_no": f"INV-{next(_numbers)}",
        "invoice_date": "2025-01-18",
        "salesman": "Ajay",
        "created_by": "admin",
        "priority": "HIGH",
        "customer": {"code": "CUST-889", "name": "LifeCare Pharmacy", "phone1": "9876543210"},
        "items": items,
    } | facts


def a_buyer(**facts: Any) -> dict[str, Any]:
    """A buyer."""
    contact = {"email": "ayse@shop.example", "phone": "+90 555 000 00 00"}
    return {"name": "Ayşe Yılmaz", "address": "Bahariye Cad. 12, Kadıköy", **contact} | facts


def a_draft(**facts: Any) -> dict[str, Any]:
    """An e-invoice payload with one line, 120.00 in total with VAT."""
    items = [{"sku": "TSH-1", "name": "Tişört", "quantity": 2, "unit_price": 50, "vat_rate": 20}]
    return {"buyer": a_buyer(), "items": items, "currency": "TRY", "marketplace": "trendyol"} | facts


def a_roll(supplier_length: float = 100.2, /, **facts: Any) -> dict[str, Any]:
    """A roll of a packing list."""
    return {"supplierRollNo": f"R{next(_numbers)}", "supplierLength": supplier_length, "supplierWidth": 145} | facts


def a_fabric_item(*lengths: float, **facts: Any) -> dict[str, Any]:
    """A fabric item over the demo's fabric 1, with a roll for each length."""
    return {
        "fabricId": 1,
        "color": "Blue",
        "orderQty": 1000,
        "orderingWidth": 145,
        "uomWidth": "centimeter",
        "uomLength": "meter",
        "invoiceQty": 1000,
        "grn": f"GRN#{next(_numbers)}",
        "supplierRollList": [a_roll(length) for length in lengths],
    } | facts


def a_receipt(*items: dict[str, Any], **facts: Any) -> dict[str, Any]:
    """A goods receipt of the demo's supplier 1; one item with two rolls of 210.8 m in total by default."""
    number = next(_numbers)
    return {
        "externalId": f"E{number}",
        "supplierId": 1,
        "invoiceNo": f"INV-{number}",
        "fabricItemList": list(items) or [a_fabric_item(100.2, 110.6)],
    } | facts
