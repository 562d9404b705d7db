"""``indian_form()``: an invoice as GST INV-01 (1.1) says it: in rupees, with the taxes of each item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from app.formats.canonical import Delivery, Format, Invoice, Line, Reference, Tax, TaxTotal, Totals
from app.formats.readers.inv01_reader import TAX_SUMS
from app.formats.targets.en16931 import decimal_problems
from app.formats.targets.indian_items import indian_line, shared_discounts
from app.formats.targets.indian_parties import indian_party, party_problems, state_of
from app.formats.targets.neutral import ZERO, neutral, other_taxes, to_cents, withheld
from app.formats.targets.not_writable import Problem, refuse_if_any
from app.kernel.messages import N_

VERSION = "1.1"
RUPEE = "INR"
_HOME = "IN"
DOMESTIC, EXPORT_TAXED, EXPORT_UNTAXED = "B2B", "EXPWP", "EXPWOP"
_SUPPLIES = frozenset({"B2B", "SEZWP", "SEZWOP", "EXPWP", "EXPWOP", "DEXP"})
#: UNTDID 1001 of a debit note.
_DEBIT_NOTE = "383"
#: What the rounding of an invoice may be.
_MOST_ROUNDING = Decimal("99.99")
_LONGEST_ORDER = 16
#: Decimals of a quantity.
_MILL = Decimal("0.001")


def indian_form(invoice: Invoice) -> Invoice:
    """The invoice in INV-01. Another currency is converted; a difference of rounding is in ``RndOffAmt``.

    Raises:
        NotWritable: it has withholding, charges of the document, prices that three decimals cannot say, no exchange
            rate, or a buyer without a GSTIN in India.
    """
    source = neutral(invoice)
    supply = supply_of(source)
    refuse_if_any([*_problems(source), *party_problems(source, supply)])
    is_interstate = supply != DOMESTIC or _states(source)[0] != _states(source)[1]
    discounts = shared_discounts(source)
    rate = source.exchange_rate if _is_foreign(source) else None
    lines = tuple(
        indian_line(line, place, discount=discounts[place - 1], rate=rate, is_interstate=is_interstate)
        for place, line in enumerate(source.lines, 1)
    )
    form = Invoice(
        format=Format.INV01,
        specification=VERSION,
        process=supply,
        number=source.number,
        type=_type(source),
        is_credit_note=source.is_credit_note,
        issue_date=source.issue_date,
        currency=RUPEE,
        reverse_charge=source.reverse_charge,
        references=tuple(_references(source)),
        seller=indian_party(source.seller),
        buyer=indian_party(source.buyer, place_of_supply=_states(source)[1]),
        delivery=_ship_to(source),
        lines=lines,
        taxes=tuple(_sums(lines)),
    )
    return replace(form, totals=_totals(source, form))


def supply_of(source: Invoice) -> str:
    """The kind of supply: named by the invoice, or domestic, or an export with or without tax."""
    for named in (source.supply_type, source.process):
        if named in _SUPPLIES:
            return named
    country = source.buyer.address.country if source.buyer.address else None
    if country in {None, _HOME}:
        return DOMESTIC
    return EXPORT_TAXED if any(line.tax and line.tax.rate for line in source.lines) else EXPORT_UNTAXED


def foreign_total(invoice: Invoice) -> tuple[str, Decimal] | None:
    """The currency of an invoice that is not in rupees, and its total in that currency."""
    source = neutral(invoice)
    if not _is_foreign(source) or source.currency is None:
        return None
    return source.currency, (source.totals.payable or ZERO) + (source.totals.prepaid or ZERO)


def _problems(source: Invoice) -> Iterator[Problem]:
    if not _is_foreign(source):
        yield from decimal_problems(source)
    elif source.exchange_rate is None:
        yield Problem("exchange_rate", N_("Name the exchange rate to the rupee."))
    if not source.lines:
        yield Problem("lines", N_("The invoice has no lines."))
    if other_taxes(source):
        yield Problem("taxes", N_("The format has no other taxes than VAT."))
    if withheld(source):
        yield Problem("withholdings", N_("The format has no withholding of VAT."))
    if any(each.is_charge for each in source.allowances):
        yield Problem("allowances", N_("The format has no charges before tax; add an item for them."))
    if any(each.kind == "original" and each.date is None for each in source.references):
        yield Problem("references", N_("Name the date of the original invoice."))
    for place, line in enumerate(source.lines):
        yield from _line_problems(line, f"lines[{place}]")


def _line_problems(line: Line, name: str) -> Iterator[Problem]:
    if any(each.is_charge for each in line.allowances):
        yield Problem(f"{name}.allowances", N_("The format has no charges before tax; add an item for them."))
    if line.quantity is not None and line.quantity != line.quantity.quantize(_MILL):
        yield Problem(f"{name}.quantity", N_("The format has quantities with at most three decimals."))


def _is_foreign(source: Invoice) -> bool:
    return source.currency != RUPEE


def _states(source: Invoice) -> tuple[str | None, str | None]:
    """The state of the seller, and that of the place of supply."""
    return state_of(source.seller), source.buyer.place_of_supply or state_of(source.buyer)


def _type(source: Invoice) -> str:
    if source.is_credit_note:
        return "CRN"
    return "DBN" if source.type == _DEBIT_NOTE else "INV"


def _references(source: Invoice) -> Iterator[Reference]:
    """One order, if its number is short enough, and the originals of a note."""
    orders = [each for each in source.references if each.kind == "order" and len(each.id) <= _LONGEST_ORDER]
    for each in orders[:1]:
        yield Reference(kind="order", id=each.id, date=each.date)
    for each in source.references:
        if each.kind == "original":
            yield Reference(kind="original", id=each.id, date=each.date)


def _ship_to(source: Invoice) -> Delivery | None:
    party = source.delivery.party if source.delivery else None
    if party is None or not party.name:
        return None
    receiver = indian_party(party)
    address = receiver.address
    is_complete = address is not None and all((address.street, address.city, address.postcode, address.region))
    return Delivery(party=replace(receiver, contact=None)) if is_complete else None


def _sums(lines: tuple[Line, ...]) -> Iterator[TaxTotal]:
    for name, _ in TAX_SUMS[:3]:
        rows = [row for line in lines for each in line.taxes for row in each.rows if row.type == name]
        amount = sum((row.amount or ZERO for row in rows), ZERO)
        yield TaxTotal(amount=amount, currency=RUPEE, rows=(Tax(type=name, amount=amount),))


def _totals(source: Invoice, form: Invoice) -> Totals:
    """The total of the items, and the rounding that leads to the payable amount of the invoice."""
    lines = sum((line.net or ZERO for line in form.lines), ZERO)
    total = lines + sum((each.amount or ZERO for each in form.taxes), ZERO)
    prepaid = source.totals.prepaid
    if _is_foreign(source):
        paid = to_cents(prepaid * (source.exchange_rate or ZERO)) if prepaid else None
        return Totals(lines=lines, prepaid=paid, payable=total, due=total - paid if paid else None)
    due = (source.totals.payable or ZERO) + (prepaid or ZERO)
    rounding = due - total
    if abs(rounding) > _MOST_ROUNDING:
        text = N_("The payable amount does not follow from the items.")
        refuse_if_any([Problem("totals.payable", text)])
    left = due - prepaid if prepaid else None
    return Totals(lines=lines, rounding=rounding or None, prepaid=prepaid or None, payable=due, due=left)
