"""Drafts: create and change; every change of lines computes the totals again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from app.accounts import audit
from app.accounts.ownership import Scope
from app.einvoices import sellers
from app.einvoices.currencies import CURRENCIES
from app.einvoices.errors import ChangedAfterOpening, HasCredits
from app.einvoices.events import CREATED, record_step
from app.einvoices.lifecycle import allowed_steps, document_mode, exclusivity, inclusive_prices, totals
from app.einvoices.models.einvoices import BUYER_TEXTS, Einvoice, EinvoiceItem
from app.einvoices.provider_accounts import draft_account
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.money import LARGEST_AMOUNT

_ORDER = ("marketplace", "marketplace_order_no", "allow_duplicate_order")
_HEADER = (*_ORDER, "notes", "extra")
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
    if einvoice.type != Type.SALE and data.keys() & {"items", "currency"}:
        raise Invalid({name: [_FOLLOWS] for name in ("items", "currency") if name in data})
    if einvoice.credited_total and data.keys() & {"items", "currency"}:
        raise HasCredits
    profile = sellers.profile_of(einvoice.owner_id)
    chosen = draft_account.for_change(data, einvoice.owner_id, profile.provider)
    for name, value in ({name: data[name] for name in _HEADER if name in data} | chosen).items():
        setattr(einvoice, name, value)
    if chosen:
        document_mode.require_account(einvoice)
    for name, value in data.get("buyer", {}).items():
        setattr(einvoice, f"buyer_{name}", value)
    if data.keys() & {*_ORDER}:
        exclusivity.require_free_order(einvoice)
        _audit_order(einvoice, actor)
    _change_lines(einvoice, data, profile.default_vat_rate)
    einvoice.updated_at = change_clock.stamp()
    record_step("changed", einvoice, actor, fields=sorted(data))
    return einvoice


def change_unchanged(
    einvoice_id: int, read_at: datetime, data: Mapping[str, Any], scope: Scope, actor: str
) -> Einvoice:
    """Change a draft whose ``updated_at`` is still ``read_at``.

    Raises:
        ChangedAfterOpening: somebody changed the draft after ``read_at``.
        Refusal: as for ``change``.
    """
    if find_for_update(einvoice_id, scope).updated_at != read_at:
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
        **{f"buyer_{name}": data["buyer"].get(name, "") for name in BUYER_TEXTS},
        buyer_is_business=data["buyer"].get("is_business"),
    )
    exclusivity.require_free_order(einvoice)
    _replace_items(einvoice, data["items"], profile.default_vat_rate, data.get("prices_include_vat", False))
    db.session.add(einvoice)
    db.session.flush()  # the event needs the id
    return einvoice


def _audit_order(einvoice: Einvoice, actor: str) -> None:
    if einvoice.allow_duplicate_order:
        order = {name: getattr(einvoice, name) for name in ("marketplace", "marketplace_order_no")}
        audit.record("einvoice.duplicate_order_allowed", actor=actor, subject=f"einvoice:{einvoice.id}", **order)


def _change_lines(einvoice: Einvoice, data: Mapping[str, Any], default_rate: Decimal) -> None:
    before, einvoice.currency = CURRENCIES[einvoice.currency], data.get("currency", einvoice.currency)
    if "items" in data:
        _replace_items(einvoice, data["items"], default_rate, data.get("prices_include_vat", False))
    elif CURRENCIES[einvoice.currency] != before:
        _replace_items(einvoice, [_item_values(item) for item in einvoice.items], Decimal(0), False)


def _item_values(item: EinvoiceItem) -> dict[str, Any]:
    return {
        name: getattr(item, name) for name in ("sku", "name", "quantity", "unit_price", "discount_amount", "vat_rate")
    }


def _replace_items(
    einvoice: Einvoice, items: Sequence[Mapping[str, Any]], default_rate: Decimal, include_vat: bool
) -> None:
    lines = [
        totals.Line(
            quantity=item["quantity"],
            unit_price=item["unit_price"],
            discount=item.get("discount_amount", Decimal(0)),
            vat_rate=item.get("vat_rate", default_rate),
        )
        for item in items
    ]
    digits = CURRENCIES[einvoice.currency]
    if faults := dict(_find_faults(lines, digits)):
        raise Invalid({"items": faults})
    if einvoice.items:
        einvoice.items.clear()
        db.session.flush()  # delete the old lines first: line numbers are unique
    if include_vat:
        set_lines(einvoice, items, *inclusive_prices.take_out_vat(lines, digits))
    else:
        set_lines(einvoice, items, lines, totals.compute(lines, digits))


def _find_faults(lines: Sequence[totals.Line], digits: int) -> Iterator[tuple[int, Any]]:
    for index, line in enumerate(lines):
        if line.discount > line.quantity * line.unit_price:
            yield index, {"discount_amount": [N_("The discount may not be larger than quantity × unit price.")]}
        elif line.discount != totals.round_half_up(line.discount, digits):
            yield (
                index,
                {
                    "discount_amount": [
                        Message(N_("Ensure that there are no more than %(places)s decimal places."), places=digits)
                    ]
                },
            )


def set_lines(
    einvoice: Einvoice, items: Sequence[Mapping[str, Any]], lines: Sequence[totals.Line], sums: totals.Totals
) -> None:
    """Set the lines and totals of an e-invoice.

    Raises:
        Invalid: the total is larger than the largest amount. (No line is larger than the total.)
    """
    if sums.grand_total > LARGEST_AMOUNT:
        raise Invalid({"items": [Message(N_("The total may not be larger than %(n)s."), n=LARGEST_AMOUNT)]})
    for number, (item, line, line_sum) in enumerate(zip(items, lines, sums.lines, strict=True), start=1):
        einvoice.items.append(
            EinvoiceItem(
                line_no=number,
                sku=item.get("sku", ""),
                name=item["name"],
                quantity=line.quantity,
                unit_price=line.unit_price,
                discount_amount=line.discount,
                vat_rate=line.vat_rate,
                net=line_sum.net,
                vat_amount=line_sum.vat,
                total=line_sum.total,
                original_item_id=item.get("original_item_id"),
                credited_quantity=Decimal(0),
                credited_net=Decimal(0),
            )
        )
    for name in ("subtotal", "discount_total", "tax_total", "grand_total"):
        setattr(einvoice, name, getattr(sums, name))
