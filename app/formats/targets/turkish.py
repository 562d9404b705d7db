"""``turkish_form()``: an invoice as UBL-TR 1.2.1 says it, unsigned."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from app.formats.canonical import (
    Delivery,
    Format,
    Invoice,
    Party,
    Payment,
    Reference,
    Tax,
    TaxTotal,
)
from app.formats.targets.en16931 import decimal_problems
from app.formats.targets.neutral import ZERO, neutral, other_taxes
from app.formats.targets.not_writable import Problem, refuse_if_any
from app.formats.targets.scenarios import MEDICAL, RETURN, Scenario, choose_scenario
from app.formats.targets.turkish_lines import exemption_problems, turkish_allowance, turkish_line, turkish_tax
from app.formats.targets.turkish_parties import party_problems, turkish_address, turkish_party
from app.kernel.messages import N_

SPECIFICATION = "TR1.2.1"
_LIRA = "TRY"
_TRANSFER, _NOT_DEFINED = "30", "1"
_RATE_DECIMALS = Decimal("0.000001")
#: References of UBL-TR, in the order in which they are read, and their names in notes.
_KINDS = {
    "order": "Sipariş",
    "contract": "Sözleşme",
    "despatch": "İrsaliye",
    "receipt": "Teslim belgesi",
    "tender": "İhale",
    "additional": "Belge",
    "project": "Proje",
}
_WITHOUT_ELEMENT = frozenset({"project"})


def turkish_form(invoice: Invoice) -> Invoice:
    """The invoice in UBL-TR; ``choose_scenario()`` tells its scenario and type.

    Raises:
        NotWritable: it has a prepaid amount, more decimals than two, no exchange rate, a return without its original,
            or a party that GİB does not take.
    """
    source = neutral(invoice)
    scenario = choose_scenario(source)
    refuse_if_any([*_problems(source, scenario.type), *party_problems(source)])
    is_medical = scenario.profile == MEDICAL
    return replace(
        _head(source, scenario),
        seller=turkish_party(source.seller),
        buyer=turkish_party(source.buyer, is_buyer=True),
        delivery=_delivery(source),
        payments=tuple(_payments(source)),
        lines=tuple(
            turkish_line(each, place, source, is_medical=is_medical) for place, each in enumerate(source.lines, 1)
        ),
        allowances=tuple(turkish_allowance(each) for each in source.allowances),
        taxes=_taxes(source),
        withholdings=tuple(_withholding(each) for each in source.withholdings),
        totals=source.totals,
    )


def _head(source: Invoice, scenario: Scenario) -> Invoice:
    references, notes = _references(source, scenario.type)
    is_foreign = source.currency != _LIRA
    return Invoice(
        format=Format.UBL_TR,
        specification=SPECIFICATION,
        process=scenario.profile,
        number=source.number,
        uuid=source.uuid,
        type=scenario.type,
        issue_date=source.issue_date,
        issue_time=source.issue_time,
        due_date=source.due_date,
        payment_terms=source.payment_terms,
        period=source.period,
        currency=source.currency,
        exchange_rate=source.exchange_rate if is_foreign else None,
        exchange_date=source.exchange_date if is_foreign else None,
        notes=(*source.notes, *notes),
        references=references,
    )


def _problems(source: Invoice, type_: str) -> Iterator[Problem]:
    yield from decimal_problems(source)
    yield from exemption_problems(source, type_)
    if source.totals.prepaid:
        yield Problem("totals.prepaid", N_("The format has no prepaid amount."))
    if other_taxes(source):
        yield Problem("taxes", N_("The format has no other taxes than VAT."))
    if source.currency != _LIRA and source.exchange_rate is None:
        yield Problem("exchange_rate", N_("Name the exchange rate to the lira."))
    if source.exchange_rate is not None and source.exchange_rate != source.exchange_rate.quantize(_RATE_DECIMALS):
        yield Problem("exchange_rate", N_("The format has exchange rates with at most six decimals."))
    originals = [each for each in source.references if each.kind == "original"]
    if not source.lines:
        yield Problem("lines", N_("The invoice has no lines."))
    if type_ == RETURN and not (originals and all(each.date for each in originals)):
        yield Problem("references", N_("A return names the number and the date of its original."))


def _references(source: Invoice, type_: str) -> tuple[tuple[Reference, ...], list[str]]:
    """References with a date, which the format wants, and notes of the others."""
    found: list[Reference] = []
    notes: list[str] = []
    for kind, name in _KINDS.items():
        known = [each for each in source.references if each.kind == kind]
        has_one = kind == "order"
        for place, each in enumerate(known):
            if each.date is None or kind in _WITHOUT_ELEMENT or (has_one and place):
                notes.append(f"{name}: {each.id}")
            else:
                found.append(Reference(kind=kind, id=each.id, date=each.date, type=each.type))
    type_of_original = RETURN if type_ == RETURN else None
    found += [
        Reference(kind="original", id=each.id, date=each.date, type=type_of_original)
        for each in source.references
        if each.kind == "original" and each.date is not None
    ]
    return tuple(found), notes


def _delivery(source: Invoice) -> Delivery | None:
    delivery = source.delivery
    if delivery is None:
        return None
    party = delivery.party
    if party is not None:
        address = turkish_address(party.address)
        # A place without one of its parts has no element.
        if address is not None and not (address.district and address.city and address.country_name):
            address = None
        party = Party(name=party.name if address else None, address=address) if address else None
    return Delivery(date=delivery.date, party=party) if delivery.date or party else None


def _payments(source: Invoice) -> Iterator[Payment]:
    for each in source.payments:
        yield Payment(means=each.means or (_TRANSFER if each.iban else _NOT_DEFINED), iban=each.iban)


def _taxes(source: Invoice) -> tuple[TaxTotal, ...]:
    """VAT alone, in the currency of the invoice: a row per rate and exemption."""
    rows: dict[tuple[Decimal, str | None], Tax] = {}
    for row in source.taxes[0].rows:
        tax = turkish_tax(row, row.base or ZERO, row.amount or ZERO)
        known = rows.get(key := (tax.rate or ZERO, tax.exemption_code))
        if known is not None:
            base, amount = (known.base or ZERO) + (tax.base or ZERO), (known.amount or ZERO) + (tax.amount or ZERO)
            tax = replace(known, base=base, amount=amount)
        rows[key] = tax
    return (TaxTotal(amount=source.taxes[0].amount, currency=source.currency, rows=tuple(rows.values())),)


def _withholding(total: TaxTotal) -> TaxTotal:
    rows = (Tax(type=row.type, rate=row.rate, base=row.base, amount=row.amount) for row in total.rows)
    return TaxTotal(amount=total.amount, currency=total.currency, rows=tuple(rows))
