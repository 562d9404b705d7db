"""What EN 16931 needs, and besides it Peppol BIS Billing 3.0."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from app.formats.canonical import Address, AllowanceCharge, Format, Invoice, Party, Tax
from app.formats.code_lists import en_codes
from app.formats.targets.en16931 import PEPPOL, has_whole_amounts, means_of, specification_of
from app.formats.targets.en_parties import endpoint_of, vat_number
from app.formats.unit_codes import en_unit
from app.kernel.messages import N_, Message
from app.rules.findings import RuleFinding
from app.rules.peppol.document_rules import EXEMPTION_CATEGORIES
from app.rules.peppol.identifier_rules import broken_identifier
from app.rules.readiness.rule_gaps import gap, odd_decimals, unknown_code

#: Rules of each VAT category: the id of its family.
_FAMILIES = {"S": "S", "Z": "Z", "E": "E", "AE": "AE", "K": "IC", "G": "G", "O": "O", "L": "AF", "M": "AG"}
#: Categories that need a reason for the exemption.
_EXEMPT = frozenset({"E", "AE", "K", "G", "O"})
#: Categories with a rate above 0.
_TAXED = frozenset({"S", "L", "M"})
_TRANSFERS = frozenset({"30", "58"})
_DIRECT_DEBITS = frozenset({"49", "59"})
_VAT_PREFIX = re.compile(r"[A-Z]{2}[0-9A-Z+*]+")
_ZERO = Decimal(0)


def en_gaps(invoice: Invoice) -> Iterator[RuleFinding]:
    """What an invoice lacks for EN 16931, and for Peppol if the document would name it."""
    yield from core_gaps(invoice)
    if specification_of(invoice, Format.UBL)[0] == PEPPOL:
        yield from peppol_gaps(invoice)


def core_gaps(invoice: Invoice) -> Iterator[RuleFinding]:
    """What an invoice lacks for the rules of EN 16931 alone."""
    yield from _head(invoice)
    yield from _parties(invoice)
    for place in range(len(invoice.lines)):
        yield from _line(invoice, place)
    yield from _allowances(invoice)
    yield from _categories(invoice)
    yield from _payment(invoice)
    yield from odd_decimals(invoice, "BR-DEC-23")


def peppol_gaps(invoice: Invoice) -> Iterator[RuleFinding]:
    """What an invoice lacks for Peppol, besides EN 16931."""
    if has_whole_amounts(invoice.currency):
        text = N_("The rules of Peppol do not allow lines that are rounded to whole amounts of this currency.")
        yield gap("PEPPOL-EN16931-R120", "currency", text)
    if invoice.buyer_reference is None and all(each.kind != "order" for each in invoice.references):
        text = N_("Peppol needs a reference of the buyer or an order number.")
        yield gap("PEPPOL-EN16931-R003", "buyer_reference", text)
    for rule, name, party in (
        ("PEPPOL-EN16931-R010", "buyer", invoice.buyer),
        ("PEPPOL-EN16931-R020", "seller", invoice.seller),
    ):
        yield from _endpoint(rule, name, party)
    if any(each.means in _DIRECT_DEBITS for each in invoice.payments):
        text = N_("A direct debit needs the reference of its mandate.")
        yield gap("PEPPOL-EN16931-R061", "payments[0].means", text)
    for place, line in enumerate(invoice.lines):
        yield from _exemption_code(line.tax or Tax(), f"lines[{place}].tax.exemption_code")


def _head(invoice: Invoice) -> Iterator[RuleFinding]:
    if not invoice.number:
        yield gap("BR-02", "number")
    yield from unknown_code("BR-CL-04", "currency", invoice.currency, en_codes("CURRENCY"))
    if not invoice.lines:
        yield gap("BR-16", "lines")
    if invoice.period and all(invoice.period) and (invoice.period[1] or "") < (invoice.period[0] or ""):
        yield gap("BR-29", "period", N_("The period ends before it begins."))
    if (invoice.totals.payable or _ZERO) > 0 and not (invoice.due_date or invoice.payment_terms):
        text = N_("State when the payment is due, or the terms of payment.")
        yield gap("BR-CO-25", "due_date", text)
    if invoice.tax_currency not in {None, invoice.currency} and invoice.exchange_rate is None:
        text = N_("The VAT in another currency needs the exchange rate.")
        yield gap("BR-53", "exchange_rate", text)
    if invoice.is_credit_note and not any(each.kind == "original" and each.id for each in invoice.references):
        yield gap("BR-55", "references")


def _parties(invoice: Invoice) -> Iterator[RuleFinding]:
    seller, buyer = invoice.seller, invoice.buyer
    for rule, name, party, country_rule in (("BR-06", "seller", seller, "BR-09"), ("BR-07", "buyer", buyer, "BR-11")):
        if not (party.name or party.first_name):
            yield gap(rule, f"{name}.name")
        country = party.address.country if party.address else None
        if not country:
            yield gap(country_rule, f"{name}.address.country")
        yield from unknown_code("BR-CL-14", f"{name}.address.country", country, en_codes("UBL_COUNTRY"))
        yield from _scheme_of_endpoint(name, party)
        for each in party.tax_ids:
            if each.scheme == "VAT" and not _VAT_PREFIX.fullmatch(each.value):
                text = N_("A VAT number begins with the two letters of its country.")
                yield gap("BR-CO-09", f"{name}.tax_ids", text)
    if not (seller.tax_ids or seller.ids):
        yield gap("BR-CO-26", "seller.tax_ids")
    place = invoice.delivery.party.address if invoice.delivery and invoice.delivery.party else None
    if place is not None and place != Address():
        if not place.country:
            yield gap("BR-57", "delivery.party.address.country")
        yield from unknown_code("BR-CL-14", "delivery.party.address.country", place.country, en_codes("UBL_COUNTRY"))


def _line(invoice: Invoice, place: int) -> Iterator[RuleFinding]:
    line, name = invoice.lines[place], f"lines[{place}]"
    if not line.item.name:
        yield gap("BR-25", f"{name}.item.name")
    if not line.unit:
        yield gap("BR-23", f"{name}.unit")
    elif en_unit(line.unit) is None:
        yield from unknown_code("BR-CL-23", f"{name}.unit", line.unit, ())
    for at, each in enumerate(line.allowances):
        yield from _reason_code(each, f"{name}.allowances[{at}].reason_code")
    tax = line.tax or Tax()
    if tax.category is None:
        text = N_("Choose the VAT category: at the rate 0 it cannot be guessed.")
        yield gap("BR-CO-04", f"{name}.tax.category", text)
    elif tax.category in _EXEMPT and not (tax.exemption_code or tax.exemption_reason):
        rule = f"BR-{_FAMILIES[tax.category]}-10"
        yield gap(rule, f"{name}.tax.exemption_reason", N_("This VAT category needs the reason of the exemption."))
    yield from _rate(tax, f"{name}.tax.rate")
    if (tax.exemption_code or "").startswith("VATEX-"):
        yield from unknown_code("BR-CL-22", f"{name}.tax.exemption_code", tax.exemption_code, en_codes("VATEX"))
    yield from unknown_code("BR-CL-15", f"{name}.item.origin", line.item.origin, en_codes("UBL_COUNTRY"))


def _rate(tax: Tax, field: str) -> Iterator[RuleFinding]:
    """Taxed categories have a rate above 0, and all others have the rate 0."""
    family = _FAMILIES.get(tax.category or "")
    if family is not None and bool(tax.rate) is not (tax.category in _TAXED):
        text = Message(N_("The VAT category %(category)s does not go with this rate."), category=tax.category)
        yield gap(f"BR-{family}-05", field, text)


def _allowances(invoice: Invoice) -> Iterator[RuleFinding]:
    for place, each in enumerate(invoice.allowances):
        yield from _reason_code(each, f"allowances[{place}].reason_code")


def _reason_code(each: AllowanceCharge, field: str) -> Iterator[RuleFinding]:
    rule, codes = ("BR-CL-20", "CHARGE_REASON") if each.is_charge else ("BR-CL-19", "ALLOWANCE_REASON")
    yield from unknown_code(rule, field, each.reason_code or None, en_codes(codes))


def _categories(invoice: Invoice) -> Iterator[RuleFinding]:
    """Rules of whole categories: who is numbered, where goods go, what may not stand together."""
    used = {line.tax.category for line in invoice.lines if line.tax and line.tax.category}
    has_vat = vat_number(invoice.seller) is not None
    for category in sorted(used & _FAMILIES.keys()):
        family = _FAMILIES[category]
        if category == "O":
            if len(used) > 1:
                text = N_("The category O cannot stand beside another VAT category.")
                yield gap("BR-O-11", _first(invoice, category), text)
            if has_vat:
                text = N_("With the category O the seller has no VAT number in the document.")
                yield gap("BR-O-02", _first(invoice, category), text)
        elif not has_vat:
            yield gap(f"BR-{family}-02", "seller.tax_ids", N_("This VAT category needs the VAT number of the seller."))
        if category in {"AE", "K"} and not (invoice.buyer.tax_ids or (category == "AE" and invoice.buyer.ids)):
            text = N_("This VAT category needs the VAT number of the buyer.")
            yield gap(f"BR-{family}-02", "buyer.tax_ids", text)
    if "K" in used:
        yield from _intra_community(invoice)


def _intra_community(invoice: Invoice) -> Iterator[RuleFinding]:
    delivery = invoice.delivery
    if not (delivery and delivery.date) and not (invoice.period and any(invoice.period)):
        yield gap("BR-IC-11", "delivery.date", N_("State the day of the delivery, or the period."))
    address = delivery.party.address if delivery and delivery.party else None
    if address is None or not address.country:
        yield gap("BR-IC-12", "delivery.party.address.country")


def _first(invoice: Invoice, category: str) -> str:
    places = (n for n, line in enumerate(invoice.lines) if line.tax and line.tax.category == category)
    return f"lines[{next(places)}].tax.category"


def _payment(invoice: Invoice) -> Iterator[RuleFinding]:
    if len({means_of(each) for each in invoice.payments}) > 1:
        text = N_("All payments of a document have the same means (BT-81).")
        yield gap("UBL-SR-47", "payments[1].means", text)
    for place, each in enumerate(invoice.payments):
        yield from unknown_code("BR-CL-16", f"payments[{place}].means", each.means, en_codes("PAYMENT_MEANS"))
        if each.means in _TRANSFERS and not each.iban:
            yield gap("BR-61", f"payments[{place}].iban", N_("A transfer needs the account."))


def _endpoint(rule: str, name: str, party: Party) -> Iterator[RuleFinding]:
    endpoint = party.endpoint
    if endpoint is None or not endpoint.value.strip():
        yield gap(rule, f"{name}.endpoint")
        return
    if endpoint_of(party) is None:
        yield from unknown_code("BR-CL-25", f"{name}.endpoint", endpoint.scheme, en_codes("ENDPOINT_EAS"))
    if broken := broken_identifier(endpoint.scheme or "", endpoint.value):
        yield gap(broken, f"{name}.endpoint", N_("The identifier has a wrong form or check digit."))


def _scheme_of_endpoint(name: str, party: Party) -> Iterator[RuleFinding]:
    if (written := endpoint_of(party)) is not None:
        yield from unknown_code("BR-CL-25", f"{name}.endpoint", written.scheme, en_codes("ENDPOINT_EAS"))


def _exemption_code(tax: Tax, field: str) -> Iterator[RuleFinding]:
    category, rule = EXEMPTION_CATEGORIES.get((tax.exemption_code or "").upper(), (None, ""))
    if category is not None and tax.category != category:
        text = N_("The exemption %(code)s belongs to the VAT category %(category)s.")
        message = Message(text, code=tax.exemption_code, category=category)
        yield gap(f"PEPPOL-EN16931-{rule}", field, message)
