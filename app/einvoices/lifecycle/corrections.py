"""Correction of a rejected e-invoice: a new draft with the same content takes its place."""

from __future__ import annotations

from decimal import Decimal

from app.accounts.ownership import Scope
from app.einvoices.events import CREATED, STATUS_CHANGED, record_step
from app.einvoices.lifecycle import step_needs
from app.einvoices.models.einvoices import BUYER, Einvoice, EinvoiceItem
from app.einvoices.models.legal_fields import DOCUMENT_COLUMNS, ITEM_FACTS
from app.einvoices.provider_accounts import status_words
from app.einvoices.providers import sendings
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import Status, Type
from app.extensions import db
from app.kernel import clock

_TOTALS = ("subtotal", "discount_total", "tax_total", "grand_total")
#: Columns that a correction copies; it draws a number of its own and is sent under a key of its own.
_COPIED = (
    *("owner_id", "type", "is_test", "original_id", "currency", "provider", "provider_account_id"),
    *("marketplace", "marketplace_order_no", "allow_duplicate_order", "credited_total"),
    *("sales_read_at", "notes", "extra", *_TOTALS, *(f"buyer_{name}" for name in BUYER)),
    *(*DOCUMENT_COLUMNS, "withholding_total", "tax_rule", "is_interstate", "legal", "buyer_legal"),
)
_COPIED_OF_ITEM = (
    *("line_no", "sku", "name", "quantity", "unit_price", "discount_amount", "vat_rate"),
    *("net", "vat_amount", "total", "original_item_id", "credited_quantity", "credited_net"),
    *(*ITEM_FACTS, "withheld_amount"),
)


def correct(einvoice_id: int, reason: str, scope: Scope, actor: str) -> Einvoice:
    """Draft a correction of a rejected e-invoice, with the same content; the number of the rejected one stays used.

    The quantities and amounts that a rejected return or credit note took from its sale go over to the correction. So do
    those that returns and credit notes took from a rejected sale, when they cannot be cancelled any more.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the provider did not reject it.
        AlreadyCorrected: it has a correction.
        HasCredits: it has returns or credit notes that can be cancelled.
        AlreadySending: a sending to the provider is pending.
        InDoubt: a sending was given up in doubt.
    """
    rejected = find_for_update(einvoice_id, scope)
    step_needs.require("correct", rejected)
    sendings.withdraw(rejected)
    correction = _copy(rejected)
    replace(rejected, correction, reason, actor)
    record_step("created", correction, actor, CREATED, corrects_id=rejected.id)
    return correction


def replace(rejected: Einvoice, correction: Einvoice, reason: str, actor: str) -> None:
    """Link a rejected e-invoice and the draft that takes its place, also as the e-invoice of the sales invoice."""
    correction.corrects_id, rejected.corrected_by_id = rejected.id, correction.id
    rejected.updated_at = change_clock.stamp()
    db.session.flush()  # only one e-invoice of a sales invoice has no correction
    correction.sales_invoice_no = rejected.sales_invoice_no
    record_step("corrected", rejected, actor, STATUS_CHANGED, corrected_by_id=correction.id, reason=reason)


def free_rejected(correction: Einvoice, actor: str) -> None:
    """After a correction was cancelled: the rejected e-invoice is in force again, with every way out of its rejection.

    It has the quantities and amounts of its sale again, if it is a return or credit note. If its provider accepted it
    meanwhile, that counts now.
    """
    db.session.flush()  # only one e-invoice of a sales invoice is in force
    rejected = find_for_update(correction.corrects_id or 0, None)
    rejected.corrected_by_id, rejected.updated_at = None, change_clock.stamp()
    rejected.credited_total = Decimal(0)  # the correction could be cancelled because no credit is left
    for item in rejected.items:
        item.credited_quantity = item.credited_net = Decimal(0)
    record_step("correction_cancelled", rejected, actor, STATUS_CHANGED, correction_id=correction.id)
    status_words.apply(rejected)


def _copy(rejected: Einvoice) -> Einvoice:
    copied = Einvoice(
        status=Status.DRAFT.value,
        reason="" if rejected.type == Type.SALE else rejected.reason,
        pdf=None,
        created_at=clock.now(),
        updated_at=change_clock.stamp(),
        **{name: getattr(rejected, name) for name in _COPIED},
    )
    for item in rejected.items:
        values = {name: getattr(item, name) for name in _COPIED_OF_ITEM}
        copied.items.append(EinvoiceItem(**values))
    db.session.add(copied)
    db.session.flush()  # the link needs the id
    return copied
