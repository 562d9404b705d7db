"""Drafts from sales invoices: a sales invoice has at most one e-invoice of an owner in force."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select

from app.accounts.ownership import Scope
from app.einvoices import invoice_sources, sellers
from app.einvoices.content import draft_facts
from app.einvoices.content.gtin import is_gtin
from app.einvoices.errors import HasCredits
from app.einvoices.events import CREATED, record_step
from app.einvoices.lifecycle import allowed_steps, corrections, credit_notes, drafts, exclusivity, step_needs
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.provider_accounts import directory, draft_account
from app.einvoices.providers.sendings import is_open
from app.einvoices.queries.lookup import find_for_update, is_in_force
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid, NotFound
from app.kernel.messages import N_, Message

#: Facts of items that a correction takes over from the rejected e-invoice, because no sales invoice has them.
_KEPT_OF_ITEM = ("unit", "hsn", "is_service", "origin_country", "buyer_item_code", "description")
#: The same of the e-invoice.
_KEPT = ("marketplace", "marketplace_order_no", "allow_duplicate_order", "extra")


def draft_from_sales(data: Mapping[str, Any], owner_id: int, scope: Scope, actor: str) -> tuple[Einvoice, bool]:
    """The e-invoice of a sales invoice, and whether this call created it; a repeated call returns the same one.

    When the provider rejected the existing e-invoice, a new draft from the sales invoice becomes its correction, which
    keeps what the sales invoice does not bring.

    Raises:
        HasCredits: the rejected e-invoice has returns or credit notes.
        AccountNotReady: the account of the rejected e-invoice is archived, and neither the request nor a default names
            another provider.
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
    if existing and _is_kept(existing):
        return existing, False
    if existing:
        step_needs.require("correct", existing)
        if credit_notes.has_credits(existing):  # they refer to lines that the sales invoice may not have any more
            raise HasCredits
    exclusivity.require_free_sale(invoice_no, existing, scope)  # it also waits for a correction that is being made
    read_at = clock.now()
    content = _content({**_kept_choices(existing, data), **data} if existing else data, owner_id, existing)
    einvoice = drafts.add(content, owner_id)
    einvoice.sales_read_at = read_at
    if existing:
        _replace(existing, einvoice, actor)
    else:
        einvoice.sales_invoice_no = invoice_no
    facts = {"sales_invoice_no": invoice_no, "corrects_id": einvoice.corrects_id}
    record_step("created", einvoice, actor, CREATED, **facts)
    return einvoice, True


def find_kept(invoice_no: str, owner_id: int) -> Einvoice | None:
    """The e-invoice that ``draft_from_sales`` would return instead of a new draft."""
    existing = db.session.scalar(_in_force(invoice_no, owner_id))
    return existing if existing and _is_kept(existing) else None


def _is_kept(existing: Einvoice) -> bool:
    """Whether an e-invoice stays that of its sales invoice: only a rejected one is replaced by a correction."""
    return not allowed_steps.is_allowed("correct", existing) or is_open(existing)


def _replace(rejected: Einvoice, einvoice: Einvoice, actor: str) -> None:
    for name in _KEPT:
        setattr(einvoice, name, getattr(rejected, name))
    corrections.replace(rejected, einvoice, "", actor)


def _find_existing(invoice_no: str, owner_id: int) -> Einvoice | None:
    existing_id = db.session.scalar(_in_force(invoice_no, owner_id).with_only_columns(Einvoice.id))
    return None if existing_id is None else find_for_update(existing_id, owner_id)


def _in_force(invoice_no: str, owner_id: int) -> Select[Any]:
    return select(Einvoice).where(
        Einvoice.owner_id == owner_id, Einvoice.sales_invoice_no == invoice_no, ~Einvoice.is_test, is_in_force()
    )


def _kept_choices(rejected: Einvoice, data: Mapping[str, Any]) -> dict[str, Any]:
    """Choices that made the rejected e-invoice; not its account when that is archived or another one is chosen.

    Raises:
        AccountNotReady: its account is archived, and the owner has no default account.
    """
    kept, account = {"currency": rejected.currency}, rejected.provider_account
    if data.keys() & {"provider", "provider_account_id"}:
        return kept
    if account is None:
        return {**kept, "provider": rejected.provider}
    if account.archived_at is None:
        return {**kept, "provider_account_id": account.id}
    if directory.default_of(rejected.owner_id) is None:
        raise draft_account.not_ready(account)
    return kept


def _kept_rates(rejected: Einvoice) -> dict[str, Decimal]:
    """VAT rate of each item of the rejected e-invoice that has one rate."""
    found: dict[str, set[Decimal]] = {}
    for item in rejected.items:
        found.setdefault(item.sku, set()).add(item.vat_rate)
    return {sku: min(rates) for sku, rates in found.items() if len(rates) == 1}


def _with_kept_buyer(buyer: Mapping[str, Any], rejected: Einvoice) -> dict[str, Any]:
    """The buyer of a sales invoice, completed from the rejected e-invoice when that has the same buyer."""
    kept = rejected.buyer if rejected.buyer_name == buyer["name"] else {}
    return {**kept, **{name: value for name, value in buyer.items() if value}}


def _content(data: Mapping[str, Any], owner_id: int, rejected: Einvoice | None) -> dict[str, Any]:
    """Content of the draft: that of the sales invoice, with the VAT rates and further values of the request.

    The VAT rates that the request does not have, and the data of the same buyer that the sales invoice does not have,
    are those of the rejected e-invoice.
    """
    try:
        sale = invoice_sources.SOURCES["sales"].read(data["invoice_no"])
    except NotFound as error:
        raise Invalid({"invoice_no": [N_("No sales invoice has this number.")]}) from error
    rates = {rate["item_code"]: rate["vat_rate"] for rate in data.get("vat_rates", ())}
    if unknown := rates.keys() - {item["sku"] for item in sale["items"]}:
        raise Invalid({"vat_rates": [Message(N_("The sales invoice has no item %(item)s."), item=min(unknown))]})
    kept: dict[str, Any] = {}
    if rejected is not None:
        sale = {**sale, "buyer": _with_kept_buyer(sale["buyer"], rejected)}
        kept = draft_facts.facts_of_request(rejected)
        rates = {**({} if "vat_rate" in data else _kept_rates(rejected)), **rates}
    facts = _kept_facts(rejected) if rejected is not None else {}
    items = [
        {**facts.get(item["sku"], {}), **_item(item), **_rate(item["sku"], rates, data.get("vat_rate"))}
        for item in sale["items"]
    ]
    default = {"prices_include_vat": sellers.profile_of(owner_id).prices_include_vat}
    names = ("currency", "provider", "provider_account_id", "prices_include_vat")
    given = {name: data[name] for name in names if name in data}
    return {**kept, **sale, **default, **given, "items": items}


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item of the sales invoice; its barcode is the GTIN if it is one. What it does not have is left out."""
    facts = {name: value for name, value in item.items() if name != "barcode" and value is not None}
    return {**facts, "gtin": item["barcode"]} if is_gtin(item["barcode"]) else facts


def _kept_facts(rejected: Einvoice) -> dict[str, dict[str, Any]]:
    """Facts for legal formats of each item of the rejected e-invoice that has one line, by item code.

    A withholding or a VAT category belongs to the VAT rate, which may be another now.
    """
    counts = Counter(item.sku for item in rejected.items)
    return {
        item.sku: {name: value for name in _KEPT_OF_ITEM if (value := getattr(item, name)) is not None}
        for item in rejected.items
        if counts[item.sku] == 1
    }


def _rate(sku: str, rates: Mapping[str, Decimal], default: Decimal | None) -> dict[str, Decimal]:
    rate = rates.get(sku, default)
    return {} if rate is None else {"vat_rate": rate}
