"""Drafts from sales invoices: a sales invoice has at most one e-invoice of an owner in force."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select

from app.accounts.ownership import Scope
from app.einvoices import invoice_sources, sellers
from app.einvoices.events import CREATED, emit_and_record
from app.einvoices.lifecycle import allowed_steps, corrections, drafts, exclusivity
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.providers.sendings import is_open
from app.einvoices.queries.lookup import find_for_update, is_in_force
from app.extensions import db
from app.kernel.errors import Invalid, NotFound
from app.kernel.messages import N_, Message


def draft_from_sales(data: Mapping[str, Any], owner_id: int, scope: Scope, actor: str) -> tuple[Einvoice, bool]:
    """The e-invoice of a sales invoice, and whether this call created it; a repeated call returns the same one.

    When the provider rejected the existing e-invoice, a new draft from the sales invoice becomes its correction.

    Raises:
        HasCredits: the rejected e-invoice has returns or credit notes.
        SaleInReview: the sales invoice is in review.
        AlreadyInvoiced: another user issued an e-invoice for it, which is named when it is within ``scope``.
        Invalid: no sales invoice has this number, a rate names an item that it does not have, or the total is too
            large.
    """
    invoice_no = data["invoice_no"]
    # Parallel requests for the same invoice wait here instead of failing at the unique index.
    db.session.execute(
        select(func.pg_advisory_xact_lock(func.hashtextextended(f"from-sales {owner_id} {invoice_no}", 0)))
    )
    existing = _find_existing(invoice_no, owner_id)
    if existing and (not allowed_steps.is_allowed("correct", existing) or is_open(existing)):
        return existing, False
    if existing:
        corrections.require_correctable(existing)
    content = _content(data, owner_id)
    exclusivity.require_free_sale(invoice_no, existing, scope)
    einvoice = drafts.add(content, owner_id)
    if existing:
        corrections.replace(existing, einvoice, "", actor)
    else:
        einvoice.sales_invoice_no = invoice_no
    facts = {"sales_invoice_no": invoice_no, "corrects_id": einvoice.corrects_id, "actor": actor}
    emit_and_record(CREATED, einvoice, **facts)
    return einvoice, True


def _find_existing(invoice_no: str, owner_id: int) -> Einvoice | None:
    query = select(Einvoice.id).where(
        Einvoice.owner_id == owner_id, Einvoice.sales_invoice_no == invoice_no, is_in_force()
    )
    existing_id = db.session.scalar(query)
    return None if existing_id is None else find_for_update(existing_id, owner_id)


def _content(data: Mapping[str, Any], owner_id: int) -> dict[str, Any]:
    """Content of the draft: that of the sales invoice, with the VAT rates and further values of the request."""
    try:
        sale = invoice_sources.SOURCES["sales"].read(data["invoice_no"])
    except NotFound as error:
        raise Invalid({"invoice_no": [N_("No sales invoice has this number.")]}) from error
    rates = {rate["item_code"]: rate["vat_rate"] for rate in data.get("vat_rates", ())}
    if unknown := rates.keys() - {item["sku"] for item in sale["items"]}:
        raise Invalid({"vat_rates": [Message(N_("The sales invoice has no item %(item)s."), item=min(unknown))]})
    items = [{**item, **_rate(item["sku"], rates, data.get("vat_rate"))} for item in sale["items"]]
    default = {"prices_include_vat": sellers.profile_of(owner_id).prices_include_vat}
    names = ("currency", "provider", "provider_account_id", "prices_include_vat")
    given = {name: data[name] for name in names if name in data}
    return {**sale, **default, **given, "items": items}


def _rate(sku: str, rates: Mapping[str, Decimal], default: Decimal | None) -> dict[str, Decimal]:
    rate = rates.get(sku, default)
    return {} if rate is None else {"vat_rate": rate}
