"""Returns and credit notes ("credits"): together they never exceed their original sale, to the last cent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_UP, Decimal
from typing import Any

from sqlalchemy import func, select

from app import events
from app.accounts.ownership import Scope
from app.einvoices.content import document_allowances, draft_facts, item_taxes
from app.einvoices.content.credit_allowances import allowances_of_credit, tax_left
from app.einvoices.content.draft_lines import compute_sums, set_lines, values_of
from app.einvoices.currencies import CURRENCIES
from app.einvoices.events import CREDIT_NOTE_CREATED, RETURN_CREATED, STATUS_CHANGED, emit_and_record, record_step
from app.einvoices.lifecycle import allowed_steps, totals
from app.einvoices.lifecycle.inclusive_prices import PRICE_STEP
from app.einvoices.models.einvoices import BUYER, Einvoice, EinvoiceItem
from app.einvoices.models.legal_fields import TaxRule
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update, ids_of_sale, is_in_force
from app.einvoices.status import Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.money import plain_decimal

_EVENTS: Mapping[Type, events.EventType] = {Type.RETURN: RETURN_CREATED, Type.CREDIT_NOTE: CREDIT_NOTE_CREATED}
#: Columns that a credit copies from its original.
_COPIED = (
    "owner_id",
    "is_test",
    "currency",
    "provider",
    "provider_account_id",
    "marketplace",
    "marketplace_order_no",
    *(f"buyer_{n}" for n in BUYER),
)


def draft_credit(original_id: int, kind: Type, data: Mapping[str, Any], scope: Scope, actor: str) -> Einvoice:
    """Draft a return or a credit note for parts of a sale, or for everything that is left of it.

    Raises:
        UnknownEinvoice: the original does not exist in this scope.
        NotCreditable: the original is itself a return or credit note.
        WrongState: the statuses of the original do not allow it.
        Invalid: an item does not belong to the original, or its quantity is larger than what is left.
    """
    original = find_for_update(original_id, scope)
    allowed_steps.require("credit", original)
    selected = _select_lines(original, data.get("items"))
    credit = _create_credit(original, selected, kind, data)
    emit_and_record(_EVENTS[kind], credit, original_id=original.id, reason=credit.reason, actor=actor)
    facts = {"einvoice_id": credit.id, "grand_total": plain_decimal(credit.grand_total)}
    record_step(f"{kind.value}_drafted", original, actor, **facts)
    return credit


def has_credits(original: Einvoice) -> bool:
    """Whether the sale has a return or credit note in force."""
    return bool(_in_force(original))


def can_cancel_credits(original: Einvoice) -> bool:
    """Whether a return or credit note in force can be cancelled."""
    return any(allowed_steps.is_allowed("cancel", credit) for credit in _in_force(original))


def require_left(original: Einvoice) -> None:
    """Refuse to credit a sale of which everything is credited.

    Raises:
        Invalid: nothing is left.
    """
    if all(item.credited_quantity == item.quantity for item in original.items):
        raise Invalid({"items": [N_("Nothing is left to give back.")]})


def settle(credit: Einvoice) -> None:
    """After a credit was issued: set the original to refunded when its issued credits cover all of it."""
    original = _original(credit)
    others = [each for each in _in_force(original) if each.status == Status.DRAFT and each.id != credit.id]
    is_complete = all(item.credited_quantity == item.quantity for item in original.items)
    if is_complete and not others and allowed_steps.is_possible(allowed_steps.STEPS["credit"], original):
        original.refunded_from = original.status
        _change_status(original, Status.REFUNDED.value)


def release(credit: Einvoice) -> None:
    """After a credit was cancelled: its quantities and amounts can be credited again."""
    original = _original(credit)
    by_line = {item.line_no: item for item in original.items}
    # A correction of the sale has the same lines with ids of their own.
    query = select(EinvoiceItem.id, EinvoiceItem.line_no).where(EinvoiceItem.einvoice_id == credit.original_id)
    lines: dict[int | None, int] = {row.id: row.line_no for row in db.session.execute(query)}
    for item in credit.items:
        credited = by_line[lines[item.original_item_id]]
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
    """The sale of a credit, or the correction that took its place."""
    if credit.original_id is None:
        raise TypeError("a sale has no original")
    original = find_for_update(credit.original_id, credit.owner_id)
    while original.corrected_by_id is not None:
        original = find_for_update(original.corrected_by_id, credit.owner_id)
    return original


def _in_force(original: Einvoice) -> Sequence[Einvoice]:
    query = select(Einvoice).where(Einvoice.original_id.in_(ids_of_sale(original)), is_in_force())
    return list(db.session.scalars(query))


def _select_lines(original: Einvoice, wanted: Sequence[Mapping[str, Any]] | None) -> list[tuple[EinvoiceItem, Decimal]]:
    if wanted is None:
        left = [(item, item.quantity - item.credited_quantity) for item in original.items]
        remaining = [(item, quantity) for item, quantity in left if quantity]
        require_left(original)
        return remaining
    by_id = {item.id: item for item in original.items}
    if faults := dict(_find_faults(by_id, wanted)):
        raise Invalid({"items": faults})
    return [(by_id[line["item_id"]], line["quantity"]) for line in wanted]


def _find_faults(by_id: Mapping[int, EinvoiceItem], wanted: Sequence[Mapping[str, Any]]) -> Iterator[tuple[int, Any]]:
    seen: set[int] = set()
    for index, line in enumerate(wanted):
        item = by_id.get(line["item_id"])
        if item is None:
            yield index, {"item_id": [N_("The e-invoice has no such item.")]}
        elif item.id in seen:
            yield index, {"item_id": [N_("This item was already named.")]}
        elif line["quantity"] > (left := item.quantity - item.credited_quantity):
            yield (
                index,
                {
                    "quantity": [
                        Message(
                            N_("Only %(left)s of %(quantity)s can still be given back."),
                            left=left,
                            quantity=item.quantity,
                        )
                    ]
                },
            )
        seen.add(line["item_id"])


def _create_credit(
    original: Einvoice, selected: Sequence[tuple[EinvoiceItem, Decimal]], kind: Type, data: Mapping[str, Any]
) -> Einvoice:
    digits = CURRENCIES[original.currency]
    lines = [_credit_line(item, quantity, digits) for item, quantity in selected]
    nets = [(item, totals.net_amount(line, digits)) for (item, _), line in zip(selected, lines, strict=True)]
    rows = allowances_of_credit(original, _in_force(original), nets) if original.allowances else []
    sums = _sums(original, selected, lines, rows)
    moment = change_clock.stamp()
    facts = draft_facts.facts_for_credit(original)
    if rows:
        facts["legal"] = draft_facts.plain({**(facts["legal"] or {}), "allowances": rows})
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
        **facts,
    )
    items = [values_of(item) | {"original_item_id": item.id} for item, _ in selected]
    set_lines(credit, items, lines, sums)
    for (item, quantity), line_sum in zip(selected, sums.lines, strict=True):
        item.credited_quantity += quantity
        item.credited_net += line_sum.net
    original.credited_total += sums.grand_total
    original.updated_at = moment
    db.session.add(credit)
    db.session.flush()
    return credit


def _sums(
    original: Einvoice,
    selected: Sequence[tuple[EinvoiceItem, Decimal]],
    lines: Sequence[totals.Line],
    rows: Sequence[document_allowances.Row],
) -> totals.Totals:
    """The totals of a credit: never more VAT than is left, and all of it at the end."""
    digits = CURRENCIES[original.currency]
    if original.tax_rule == TaxRule.GST_ITEM:
        mode = item_taxes.stored_mode(original)
        return compute_sums(lines, digits, mode, rows, tax_left(original, selected))
    changes = document_allowances.adjustments(rows)
    completed = _completed_rates(original, selected)
    return totals.compute(lines, digits, _remaining_vat(original), completed, changes)


def _credit_line(item: EinvoiceItem, quantity: Decimal, digits: int) -> totals.Line:
    """The line of a credit: a share of the price and discount of the original line, at most what is left of its net."""
    price, left = item.unit_price, item.net - item.credited_net
    if quantity == item.quantity - item.credited_quantity:
        # The last part takes the rest to the cent. Earlier parts may have been rounded down so often that quantity
        # times price is less than the rest; then the price is raised.
        if totals.round_half_up(quantity * price, digits) < left:
            price = (left / quantity).quantize(PRICE_STEP, ROUND_UP)
        net = left
    else:
        share = item.discount_amount * quantity / item.quantity
        net = min(left, max(totals.ZERO, totals.round_half_up(quantity * price - share, digits)))
    # The discount is the difference between the rounded price and the net amount, so net = price - discount holds.
    return totals.Line(quantity, price, totals.round_half_up(quantity * price, digits) - net, item.vat_rate)


def _completed_rates(original: Einvoice, selected: Sequence[tuple[EinvoiceItem, Decimal]]) -> set[Decimal]:
    """VAT rates of which the original has nothing left after this credit."""
    taken = {item.id: quantity for item, quantity in selected}
    left = {
        item.vat_rate
        for item in original.items
        if item.credited_quantity + taken.get(item.id, totals.ZERO) < item.quantity
    }
    return {item.vat_rate for item, _ in selected} - left


def _remaining_vat(original: Einvoice) -> dict[Decimal, Decimal]:
    credited = (
        select(EinvoiceItem.vat_rate, func.sum(EinvoiceItem.vat_amount))
        .join(Einvoice, Einvoice.id == EinvoiceItem.einvoice_id)
        .where(Einvoice.original_id.in_(ids_of_sale(original)), is_in_force())
        .group_by(EinvoiceItem.vat_rate)
    )
    before = {rate: vat for rate, vat in db.session.execute(credited)}  # noqa: C416 - the type is Row, not a pair
    stored = totals.sum_by_rate((item.vat_rate, item.net, item.vat_amount) for item in original.items)
    return {rate.rate: rate.vat - before.get(rate.rate, totals.ZERO) for rate in stored}
