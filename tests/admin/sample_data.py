"""Stored records for page tests: sales invoices, goods receipts, e-invoices, modules."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from app.accounts import modules
from app.accounts.models.accounts import User
from app.einvoices.access import MODULE
from app.einvoices.lifecycle import drafts, issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.provider_accounts import directory
from app.einvoices.schemas.einvoices import EinvoiceDraftSchema
from app.extensions import db
from app.grn import demo
from app.grn.models.receipts import GoodsReceipt
from app.grn.receipts import service as receipts
from app.grn.schemas.receipts import NewReceiptSchema
from app.kernel import clock, json
from app.kernel.unit_of_work import unit_of_work
from app.sales.floor import available_steps
from app.sales.floor.history import Actor
from app.sales.imports import single
from app.sales.models.invoices import SalesInvoice
from app.sales.schemas.invoices import ImportSchema
from tests.factories import a_draft, a_fabric_item, a_receipt, a_sale, a_seller, a_user


def load(schema: Any, payload: dict[str, Any]) -> Any:
    """Data of a request body, validated by ``schema``."""
    return schema.load(json.decode(json.encode(payload)))


def import_invoice(**values: Any) -> str:
    """Import a sales invoice; return its number."""
    payload = a_sale(**values)
    with unit_of_work():
        single.import_invoice(load(ImportSchema(), payload), created_user_id=None)
    number: str = payload["invoice_no"]
    return number


def receive_goods(*lengths: float, **values: Any) -> GoodsReceipt:
    """Create a goods receipt with the master data of the demo, and one roll per length."""
    with unit_of_work():
        demo.make_demo()
        return receipts.receive(load(NewReceiptSchema(), a_receipt(a_fabric_item(*lengths), **values)), actor="a test")


def enable_module(user: User, module: str = MODULE) -> User:
    """Enable a module for a user, by default the e-invoice API."""
    with unit_of_work():
        modules.enable(db.session.get_one(User, user.id), module, actor="test")
    return user


def enable_module_of_newest_user(module: str = MODULE) -> None:
    """Enable a module for the user that was created last."""
    newest = db.session.scalars(select(User).order_by(User.id.desc()).limit(1)).one()
    enable_module(newest, module)


def expire_modules_in(user: User, *, days: int) -> None:
    """Set the end of all modules of a user."""
    with unit_of_work():
        for grant in modules.list_grants(user):
            grant.ends_at = clock.now() + timedelta(days=days)


def create_draft(owner: User, **values: Any) -> Einvoice:
    """Create an e-invoice draft of ``owner``."""
    with unit_of_work():
        return drafts.create(load(EinvoiceDraftSchema(), a_draft(**values)), owner.id, "test")


def make_seller(owner: User) -> None:
    """Save a seller profile with all that an e-invoice needs."""
    with unit_of_work():
        a_seller(owner.id)


def open_account(owner: User, name: str) -> ProviderAccount:
    """Create a provider account that is ready."""
    with unit_of_work():
        facts = {"name": name, "adapter": "null", "mode": "live"}
        account = directory.create(facts, owner.id, actor="test", may_allow=False).account
        account.test_passed, account.tested_at = True, clock.now()
        return account


def issue_einvoice(owner: User, **values: Any) -> Einvoice:
    """Create and issue an e-invoice; its PDF is not created yet."""
    make_seller(owner)
    einvoice = create_draft(owner, **values)
    with unit_of_work():
        return issue.issue(einvoice.id, owner.id, "test")


def spread_over_week(table: str) -> None:
    """Move the creation times of a table's rows to different days, for charts."""
    with db.engine.begin() as connection:
        query = f"UPDATE {table} SET created_at = created_at - make_interval(days => ((id * id) % 7)::int)"
        connection.execute(text(query))


def return_invoice(reason: str = "Batch on the box is B456", *, sender: str = "Ravi", **values: Any) -> SalesInvoice:
    """Import a sales invoice that a picker of the name ``sender`` returns to billing."""
    number = import_invoice(**values)
    with unit_of_work():
        picker = a_user(role="warehouse", name=sender)
        actor = Actor(picker.name, picker.id, picker.role)
        available_steps.perform("picking.start", {"invoice_no": number}, actor)
        return available_steps.perform("billing.return", {"invoice_no": number, "return_reason": reason}, actor)
