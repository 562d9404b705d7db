"""Giving back: returns and credit notes, which together never exceed their original, to the last cent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import Any

from sqlalchemy import func, select

from app import events
from app.accounts.ownership import Scope
from app.einvoices.currencies import CURRENCIES
from app.einvoices.errors import NotCreditable, WrongState
from app.einvoices.events import CREDIT_NOTE_CREATED, RETURN_CREATED, STATUS_CHANGED, emit_and_record, record
from app.einvoices.lifecycle import totals
from app.einvoices.lifecycle.drafts import set_lines
from app.einvoices.models.einvoices import BUYER, Einvoice, EinvoiceItem
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import CREDITABLE, Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.money import plain_decimal

_EVENTS: Mapping[Type, events.EventType] = {Type.RETURN: RETURN_CREATED, Type.CREDIT_NOTE: CREDIT_NOTE_CREATED}
#: The smallest step of a unit price.
_PRICE_STEP = Decimal("0.0001")
_COPIED = ("owner_id", "currency", "provider", "marketplace", "marketplace_order_no", *(f"buyer_{n}" for n in BUYER))


def draft_credit(original_id: int, kind: Type, data: Mapping[str, Any], scope: Scope) -> Einvoice:
    """Draft a return or a credit note for parts of a sale, or for all that is left of it.

    Raises:
        UnknownEinvoice: there is no such original, or not for this caller.
        NotCreditable: it is a note itself.
        WrongState: it is not issued, sent or accepted.
        Invalid: a line is not of the original, or more is asked for than is left.
    """
    original = find_for_update(original_id, scope)
    if original.type != Type.SALE:
        raise NotCreditable
    if original.status not in CREDITABLE:
        raise WrongState("credited", original.status)
    chosen = _select_lines(original, data.get("items"))
    credit = _create_credit(original, chosen, kind, data)
    emit_and_record(_EVENTS[kind], credit, original_id=original.id, reason=credit.reason)
    record(original, f"{kind.value}_drafted", einvoice_id=credit.id, grand_total=plain_decimal(credit.grand_total))
    return credit


def has_credits(original: Einvoice) -> bool:
    """Whether any note that is not cancelled gives back a part of it."""
    notes = select(Einvoice.id).where(Einvoice.original_id == original.id, Einvoice.status != Status.CANCELLED)
    return db.session.scalar(notes.limit(1)) is not None


def settle(credit: Einvoice) -> None:
    """A note was issued: when issued notes give back all there is, the original is refunded."""
    original = _original(credit)
    drafts = select(Einvoice.id).where(
        Einvoice.original_id == original.id, Einvoice.status == Status.DRAFT, Einvoice.id != credit.id
    )
    whole = all(item.credited_quantity == item.quantity for item in original.items)
    if whole and original.status in CREDITABLE and db.session.scalar(drafts.limit(1)) is None:
        original.refunded_from = original.status
        _change_status(original, Status.REFUNDED.value)


def release(credit: Einvoice) -> None:
    """A note was cancelled: what it gave back may be given back by another one."""
    original = _original(credit)
    by_id: dict[int | None, EinvoiceItem] = {item.id: item for item in original.items}
    for item in credit.items:
        credited = by_id[item.original_item_id]
        credited.credited_quantity -= item.quantity
        credited.credited_net -= item.net
    original.credited_total -= credit.grand_total
    original.updated_at = change_clock.stamp()
    if original.refunded_from:
        before, original.refunded_from = original.refunded_from, None
        _change_status(original, before)


def _change_status(original: Einvoice, status: str) -> None:
    before, original.status, original.updated_at = original.status, status, change_clock.stamp()
    db.session.flush()
    emit_and_record(STATUS_CHANGED, original, before=before, after=status)


def _original(credit: Einvoice) -> Einvoice:
    if credit.original_id is None:
        raise TypeError("a sale has no original")
    return find_for_update(credit.original_id, credit.owner_id)


def _select_lines(original: Einvoice, wanted: Sequence[Mapping[str, Any]] | None) -> list[tuple[EinvoiceItem, Decimal]]:
    if wanted is None:
        left = [(item, item.quantity - item.credited_quantity) for item in original.items]
        chosen = [(item, quantity) for item, quantity in left if quantity]
        if not chosen:
            raise Invalid({"items": [N_("Nothing is left to give back.")]})
        return chosen
    by_id = {item.id: item for item in original.items}
    if faults := dict(_find_faults(by_id, wanted)):
        raise Invalid({"items": faults})
    return [(by_id[line["item_id"]], line["quantity"]) for line in wanted]


def _find_faults(by_id: Mapping[int, EinvoiceItem], wanted: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Any]]:
    seen: set[int] = set()
    for place, line in enumerate(wanted):
        item = by_id.get(line["item_id"])
        if item is None:
            yield place, {"item_id": [N_("The e-invoice has no such item.")]}
        elif item.id in seen:
            yield place, {"item_id": [N_("This item was already named.")]}
        elif line["quantity"] > (left := item.quantity - item.credited_quantity):
            yield (
                place,
                {
                    "quantity": [
                        Message(
                            N_("Only %(left)s of %(quantity)s can still be given back."),
                            left=plain_decimal(left),
                            quantity=plain_decimal(item.quantity),
                        )
                    ]
                },
            )
        seen.add(line["item_id"])


def _create_credit(
    original: Einvoice, chosen: Sequence[tuple[EinvoiceItem, Decimal]], kind: Type, data: Mapping[str, Any]
) -> Einvoice:
    digits = CURRENCIES[original.currency]
    lines = [_credit_line(item, quantity, digits) for item, quantity in chosen]
    sums = totals.compute(lines, digits, _remaining_vat(original), _completed_rates(original, chosen))
    moment = change_clock.stamp()
    credit = Einvoice(
        status=Status.DRAFT.value,
        type=kind.value,
        original_id=original.id,
        credited_total=Decimal(0),
        reason=data["reason"],
        notes=data.get("notes", ""),
        extra=data.get("extra"),
        pdf=None,
        created_at=clock.now(),
        updated_at=moment,
        **{name: getattr(original, name) for name in _COPIED},
    )
    items = [{"sku": item.sku, "name": item.name, "original_item_id": item.id} for item, _ in chosen]
    set_lines(credit, items, lines, sums)
    for (item, quantity), line_sum in zip(chosen, sums.lines, strict=True):
        item.credited_quantity += quantity
        item.credited_net += line_sum.net
    original.credited_total += sums.grand_total
    original.updated_at = moment
    db.session.add(credit)
    db.session.flush()
    return credit


def _credit_line(item: EinvoiceItem, quantity: Decimal, digits: int) -> totals.Line:
    """A part of a line: its share of the price and of the discount, and no more than is left of both."""
    price, left = item.unit_price, item.net - item.credited_net
    if quantity == item.quantity - item.credited_quantity:
        # The last part takes the rest to the cent. Earlier ones may have been rounded down so often that its own price
        # does not reach that far.
        if totals.round_half_up(quantity * price, digits) < left:
            price = (left / quantity).quantize(_PRICE_STEP, ROUND_UP)
        net = left
    else:
        share = item.discount_amount * quantity / item.quantity
        net = min(left, max(totals.ZERO, totals.round_half_up(quantity * price - share, digits)))
    # What the rounded price and the net amount differ by is the discount; so the rule for a line holds here too.
    return totals.Line(quantity, price, totals.round_half_up(quantity * price, digits) - net, item.vat_rate)


def _completed_rates(original: Einvoice, chosen: Sequence[tuple[EinvoiceItem, Decimal]]) -> set[Decimal]:
    """VAT rates of which the original has nothing left after this."""
    taken = {item.id: quantity for item, quantity in chosen}
    left = {
        item.vat_rate
        for item in original.items
        if item.credited_quantity + taken.get(item.id, totals.ZERO) < item.quantity
    }
    return {item.vat_rate for item, _ in chosen} - left


def _remaining_vat(original: Einvoice) -> dict[Decimal, Decimal]:
    given = (
        select(EinvoiceItem.vat_rate, func.sum(EinvoiceItem.vat_amount))
        .join(Einvoice, Einvoice.id == EinvoiceItem.einvoice_id)
        .where(Einvoice.original_id == original.id, Einvoice.status != Status.CANCELLED)
        .group_by(EinvoiceItem.vat_rate)
    )
    before = {rate: vat for rate, vat in db.session.execute(given)}  # noqa: C416 - rows, not pairs, to the types
    stored = totals.sum_by_rate((item.vat_rate, item.net, item.vat_amount) for item in original.items)
    return {rate.rate: rate.vat - before.get(rate.rate, totals.ZERO) for rate in stored}
