"""Drafts: create and change; every change of lines computes the totals again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.accounts import audit
from app.accounts.ownership import Scope
from app.einvoices import sellers
from app.einvoices.content import draft_facts, draft_lines, item_taxes
from app.einvoices.currencies import CURRENCIES
from app.einvoices.errors import ChangedAfterOpening, HasCredits
from app.einvoices.events import CREATED, record_step
from app.einvoices.lifecycle import allowed_steps, document_mode, exclusivity
from app.einvoices.models.einvoices import BUYER_TEXTS, Einvoice
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.provider_accounts import draft_account
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_

_ORDER = ("marketplace", "marketplace_order_no", "allow_duplicate_order")
_HEADER = (*_ORDER, "notes", "extra")
#: Fields that the amounts follow from.
_OF_LINES = frozenset({"items", "currency", "allowances"})
_FOLLOWS = N_("The lines and the currency of a return or credit note are those of its original.")


def create(data: Mapping[str, Any], owner_id: int, actor: str) -> Einvoice:
    """Create a draft of a sale.

    Raises:
        DuplicateOrder: the order of the marketplace has an e-invoice.
        Invalid: a discount is larger than its line, or the total is larger than the largest amount.
    """
    einvoice = add(data, owner_id)
    _audit_order(einvoice, actor)
    record_step("created", einvoice, actor, CREATED)
    return einvoice


def change(einvoice_id: int, data: Mapping[str, Any], scope: Scope, actor: str) -> Einvoice:
    """Change the given fields of a draft.

    Raises:
        DuplicateOrder: as for ``create``.
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: the e-invoice is not a draft any more.
        HasCredits: lines or currency of a correction were given, and its sale has returns or credit notes.
        Invalid: as for ``create``; or items or currency of a return or credit note were given, or an account of
            another mode than that of its original.
    """
    einvoice = find_for_update(einvoice_id, scope)
    allowed_steps.require("change", einvoice)
    if "prices_include_vat" in data and "items" not in data:
        raise Invalid({"prices_include_vat": [N_("Send the items too: the stored prices are without VAT.")]})
    if einvoice.type != Type.SALE and data.keys() & _OF_LINES:
        raise Invalid({name: [_FOLLOWS] for name in sorted(_OF_LINES & data.keys())})
    if einvoice.credited_total and data.keys() & _OF_LINES:
        raise HasCredits
    profile = sellers.profile_of(einvoice.owner_id)
    chosen = draft_account.for_change(data, einvoice.owner_id, profile.provider)
    for name, value in ({name: data[name] for name in _HEADER if name in data} | chosen).items():
        setattr(einvoice, name, value)
    if chosen:
        document_mode.require_account(einvoice)
    draft_facts.apply(einvoice, data)
    if data.keys() & {*_ORDER}:
        exclusivity.require_free_order(einvoice)
        _audit_order(einvoice, actor)
    _change_lines(einvoice, data, profile)
    draft_facts.require_payable(einvoice)
    einvoice.updated_at = change_clock.stamp()
    record_step("changed", einvoice, actor, fields=sorted(data))
    return einvoice


def change_unchanged(
    einvoice_id: int, read_at: datetime, data: Mapping[str, Any], scope: Scope, actor: str
) -> Einvoice:
    """Change a draft whose ``updated_at`` is still ``read_at``.

    Raises:
        WrongState: it is no draft any more.
        ChangedAfterOpening: somebody changed the draft after ``read_at``.
        Refusal: as for ``change``.
    """
    einvoice = find_for_update(einvoice_id, scope)
    allowed_steps.require("change", einvoice)
    if einvoice.updated_at != read_at:
        raise ChangedAfterOpening
    return change(einvoice_id, data, scope, actor)


def may_change_lines(einvoice: Einvoice) -> bool:
    """Whether lines and currency are its own: those of a credit, or of a sale with credits, are settled."""
    return einvoice.type == Type.SALE and not einvoice.credited_total


def add(data: Mapping[str, Any], owner_id: int) -> Einvoice:
    """Add a draft without an event; the errors are those of ``create``."""
    profile, moment = sellers.profile_of(owner_id), change_clock.stamp()
    header = {name: data[name] for name in _HEADER if name in data}
    einvoice = Einvoice(
        owner_id=owner_id,
        status=Status.DRAFT.value,
        type=Type.SALE.value,
        currency=data.get("currency", profile.currency),
        credited_total=Decimal(0),
        reason="",
        pdf=None,
        created_at=clock.now(),
        updated_at=moment,
        **{"notes": "", "allow_duplicate_order": False, **header},
        **draft_account.for_new(data, owner_id, profile.provider),
        **{f"buyer_{name}": "" for name in BUYER_TEXTS},
    )
    exclusivity.require_free_order(einvoice)
    draft_facts.apply(einvoice, data)
    include_vat = data.get("prices_include_vat", False)
    draft_lines.replace_lines(einvoice, data["items"], profile, include_vat=include_vat)
    draft_facts.require_payable(einvoice)
    db.session.add(einvoice)
    db.session.flush()  # the event needs the id
    return einvoice


def _audit_order(einvoice: Einvoice, actor: str) -> None:
    if einvoice.allow_duplicate_order:
        order = {name: getattr(einvoice, name) for name in ("marketplace", "marketplace_order_no")}
        audit.record(
            "einvoice.duplicate_order_allowed",
            actor=actor,
            subject=f"einvoice:{einvoice.id}",
            owner_id=einvoice.owner_id,
            **order,
        )


def _change_lines(einvoice: Einvoice, data: Mapping[str, Any], profile: SellerProfile) -> None:
    before, einvoice.currency = CURRENCIES[einvoice.currency], data.get("currency", einvoice.currency)
    if "items" in data:
        einvoice.sales_read_at = clock.now() if einvoice.sales_invoice_no else None
        include_vat = data.get("prices_include_vat", False)
        draft_lines.replace_lines(einvoice, data["items"], profile, include_vat=include_vat)
    elif may_change_lines(einvoice) and (
        CURRENCIES[einvoice.currency] != before
        or "allowances" in data
        or item_taxes.mode_of(profile, einvoice) != item_taxes.stored_mode(einvoice)
    ):
        stored = [draft_lines.values_of(item) for item in einvoice.items]
        draft_lines.replace_lines(einvoice, stored, profile, include_vat=False)
