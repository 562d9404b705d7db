"""What UBL-TR needs: e-Fatura and e-Arşiv."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from stdnum.tr import tckimlik, vkn

from app.formats.canonical import Address, Identifier, Invoice, Party, Tax
from app.formats.code_lists import gib_codes
from app.formats.unit_codes import gib_unit
from app.kernel.messages import N_
from app.rules.findings import RuleFinding, Severity
from app.rules.readiness.rule_gaps import gap, odd_decimals, unknown_code
from app.rules.readiness.turkish_types import type_gaps

_NUMBER = re.compile(r"[A-Z0-9]{3}20\d{11}")
_CODE = re.compile(r"\d{3}")
_COMMERCIAL, _CONSUMER = "TICARIFATURA", "11111111111"
_LIRA = "TRY"
_RATE = Decimal("0.000001")
_PARTY = "cac:Party/cac:PostalAddress/"
_PLACES = (("district", "cbc:CitySubdivisionName"), ("city", "cbc:CityName"), ("country", "cac:Country/cbc:Name"))
_ELEMENTS = {"seller": "cac:AccountingSupplierParty", "buyer": "cac:AccountingCustomerParty"}


def turkish_gaps(invoice: Invoice) -> Iterator[RuleFinding]:
    """What an invoice lacks for UBL-TR."""
    if not _NUMBER.fullmatch(invoice.number or ""):
        text = N_("GİB wants a number like ABC2026000000001: the prefix of the series has exactly three characters.")
        yield gap("ID", "number", text, path="cbc:ID")
    yield from _party("seller", invoice.seller)
    yield from _party("buyer", invoice.buyer)
    yield from _currency(invoice)
    yield from _return(invoice)
    if not invoice.lines:
        yield gap("InvoiceLine", "lines", path="cac:InvoiceLine")
    for place in range(len(invoice.lines)):
        yield from _line(invoice, place)
    yield from type_gaps(invoice)
    for place, each in enumerate(invoice.payments):
        field = f"payments[{place}].means"
        yield from unknown_code("PaymentMeansCode", field, each.means, gib_codes("PaymentMeansCodeTypeList"))
    yield from odd_decimals(invoice, "XSD-AmountType")
    if invoice.totals.prepaid:
        text = N_("The format has no prepaid amount.")
        yield gap("PrepaidAmount", "totals.prepaid", text, path="cac:LegalMonetaryTotal/cbc:PrepaidAmount")


def _party(name: str, party: Party) -> Iterator[RuleFinding]:
    element = _ELEMENTS[name]
    number = next((each for each in party.tax_ids if each.scheme in {"VKN", "TCKN"}), None)
    path = f"{element}/cac:Party/cac:PartyIdentification/cbc:ID"
    if number is None and (name == "seller" or party.tax_ids):
        text = N_("GİB wants a VKN of ten digits or a TCKN of eleven digits.")
        is_foreign = name == "buyer" and party.address is not None and party.address.country not in {None, "TR"}
        if not is_foreign:
            yield gap("PartyIdentification", f"{name}.tax_ids", text, path=path)
    elif number is not None and not _is_right(number):
        yield gap("PartyIdentification", f"{name}.tax_ids", N_("The check digit of the number is wrong."), path=path)
    if number is not None and number.scheme == "TCKN":
        if not (party.first_name and party.family_name) and " " not in (party.name or "").strip():
            yield gap("Person", f"{name}.family_name", path=f"{element}/cac:Party/cac:Person")
    elif not (party.name or party.family_name):
        yield gap("PartyName", f"{name}.name", path=f"{element}/cac:Party/cac:PartyName/cbc:Name")
    for part, tag in _PLACES:
        if not getattr(party.address or Address(), part):
            yield gap("PostalAddress", f"{name}.address.{part}", path=f"{element}/{_PARTY}{tag}")


def _is_right(number: Identifier) -> bool:
    if number.scheme == "VKN":
        return bool(vkn.is_valid(number.value))
    return number.value == _CONSUMER or bool(tckimlik.is_valid(number.value))


def _currency(invoice: Invoice) -> Iterator[RuleFinding]:
    yield from unknown_code("CurrencyCode", "currency", invoice.currency, gib_codes("CurrencyCodeList"))
    rate = invoice.exchange_rate
    if invoice.currency != _LIRA and rate is None:
        text = N_("An invoice in another currency needs the exchange rate to the lira.")
        yield gap("PricingExchangeRate", "exchange_rate", text, path="cac:PricingExchangeRate/cbc:CalculationRate")
    if rate is not None and rate != rate.quantize(_RATE):
        yield gap("PricingExchangeRate", "exchange_rate", N_("The format has at most six decimals."))


def _return(invoice: Invoice) -> Iterator[RuleFinding]:
    if not invoice.is_credit_note:
        return
    # One without a date becomes a note, and GİB reads each of the others.
    originals = [each for each in invoice.references if each.kind == "original" and each.date]
    path = "cac:BillingReference/cac:InvoiceDocumentReference"
    if not originals or not all(_NUMBER.fullmatch(each.id) for each in originals):
        text = N_("A return names the date of its original, and the number that GİB knows.")
        yield gap("BillingReference", "references", text, path=path)
    if invoice.process == _COMMERCIAL:
        text = N_("A return is never in the scenario TICARIFATURA.")
        yield gap("ProfileID", "process", text, path="cbc:ProfileID")
    text = N_("Whether you or the buyer issues the return is a question of tax law that the hub does not decide.")
    yield gap("IADE", "type", text, severity=Severity.WARNING, path="cbc:InvoiceTypeCode")


def _line(invoice: Invoice, place: int) -> Iterator[RuleFinding]:
    line, name = invoice.lines[place], f"lines[{place}]"
    path = f"cac:InvoiceLine[{place + 1}]"
    if not line.item.name:
        yield gap("Item", f"{name}.item.name", path=f"{path}/cac:Item/cbc:Name")
    if not line.unit:
        yield gap("unitCode", f"{name}.unit", path=f"{path}/cbc:InvoicedQuantity/@unitCode")
    elif gib_unit(line.unit) is None:
        yield from unknown_code("unitCode", f"{name}.unit", line.unit, ())
    yield from _exemption(line.tax or Tax(), name, path, is_return=invoice.is_credit_note)


def _exemption(tax: Tax, name: str, path: str, *, is_return: bool) -> Iterator[RuleFinding]:
    if tax.rate:
        return
    code, field = tax.exemption_code, f"{name}.tax.exemption_code"
    inner = f"{path}/cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory"
    if code is None and is_return:
        return
    if not _CODE.fullmatch(code or ""):
        text = N_("At the rate 0 GİB wants its code of the exemption, such as 301 or 351.")
        yield gap("TaxExemptionReasonCode", field, text, path=f"{inner}/cbc:TaxExemptionReasonCode")
        return
    known = gib_codes("TaxExemptionReasonCodeType") | gib_codes("YatirimTesvikTaxExemptionReasonCodeType")
    yield from unknown_code("TaxExemptionReasonCode", field, code, known)
    if not tax.exemption_reason:
        path = f"{inner}/cbc:TaxExemptionReason"
        yield gap("TaxExemptionReason", f"{name}.tax.exemption_reason", path=path)
