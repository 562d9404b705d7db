"""What pages are looked at with: invoices on the floor, receipts with rolls, e-invoices with PDFs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select, text

from app.accounts import modules
from app.accounts.models.accounts import User
from app.einvoices.access import MODULE
from app.einvoices.lifecycle import drafts, issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.schemas.einvoices import EinvoiceDraftSchema
from app.extensions import db
from app.grn import demo
from app.grn.models.receipts import GoodsReceipt
from app.grn.receipts import service as receipts
from app.grn.schemas.receipts import NewReceiptSchema
from app.kernel import clock, json
from app.kernel.unit_of_work import unit_of_work
from app.sales.imports import single
from app.sales.schemas.invoices import ImportSchema
from tests.factories import a_draft, a_fabric_item, a_receipt, a_sale


def loaded(schema: Any, payload: dict[str, Any]) -> Any:
    """As a request would bring it."""
    return schema.load(json.decode(json.encode(payload)))


def imported(**facts: Any) -> str:
    """An invoice of the ERP; returns its number."""
    payload = a_sale(**facts)
    with unit_of_work():
        single.import_invoice(loaded(ImportSchema(), payload), created_user_id=None)
    number: str = payload["invoice_no"]
    return number


def received(*lengths: float, **facts: Any) -> GoodsReceipt:
    """A goods receipt over the demo's master data, with a roll for each length."""
    with unit_of_work():
        demo.make_demo()
        return receipts.receive(loaded(NewReceiptSchema(), a_receipt(a_fabric_item(*lengths), **facts)))


def with_module(user: User, module: str = MODULE) -> User:
    """Let a user work with e-invoices, or with what another module opens."""
    with unit_of_work():
        modules.enable(db.session.get_one(User, user.id), module, actor="test")
    return user


def with_newest_module(module: str = MODULE) -> None:
    """The same for whoever was made last."""
    newest = db.session.scalars(select(User).order_by(User.id.desc()).limit(1)).one()
    with_module(newest, module)


def end_modules_in(user: User, *, days: int) -> None:
    """Let what a user has enabled end soon."""
    with unit_of_work():
        for grant in modules.list_grants(user):
            grant.ends_at = clock.now() + timedelta(days=days)


def drafted(owner: User, **facts: Any) -> Einvoice:
    """A draft of ``owner``."""
    with unit_of_work():
        return drafts.create(loaded(EinvoiceDraftSchema(), a_draft(**facts)), owner.id)


def issued(owner: User, **facts: Any) -> Einvoice:
    """An e-invoice with its number; its PDF waits to be made."""
    einvoice = drafted(owner, **facts)
    with unit_of_work():
        return issue.issue(einvoice.id, owner.id)


def spread_over_the_week(table: str) -> None:
    """Let what came in have come on different days, for charts that look like something."""
    with db.engine.begin() as connection:
        query = f"UPDATE {table} SET created_at = created_at - make_interval(days => ((id * id) % 7)::int)"
        connection.execute(text(query))
