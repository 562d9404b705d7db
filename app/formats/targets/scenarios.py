"""``choose_scenario()``: the scenario (ProfileID) and the type of an invoice in Türkiye, and why."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.formats.canonical import Invoice, Party
from app.formats.targets.neutral import withheld
from app.kernel.messages import N_

BASIC, COMMERCIAL, ARCHIVE, MEDICAL = "TEMELFATURA", "TICARIFATURA", "EARSIVFATURA", "ILAC_TIBBICIHAZ"
SALE, RETURN, WITHHOLDING, EXEMPT, EXPORT_REGISTERED, SPECIAL_BASE = (
    "SATIS",
    "IADE",
    "TEVKIFAT",
    "ISTISNA",
    "IHRACKAYITLI",
    "OZELMATRAH",
)
#: Scenarios that an invoice may name for itself, and those of a return.
_OWN = frozenset({BASIC, COMMERCIAL, ARCHIVE, MEDICAL, "KAMU"})
_RETURNED = frozenset({BASIC, ARCHIVE, MEDICAL, "KAMU"})
#: GİB's codes of exemptions: 351 is for sales, 555 has VAT; the others tell the type.
_FOR_SALES = frozenset({"351", "555"})
_EXPORT_CODES, _BASE_CODES = re.compile(r"70\d"), re.compile(r"80\d|81[0-2]")
_CODE = re.compile(r"\d{3}")
#: Schemes of packs and devices that GİB wants in the scenario of medicines.
_MEDICAL_SCHEMES = frozenset({"ILAC", "TIBBICIHAZ"})
_ALIAS = "urn:mail:"


@dataclass(frozen=True, slots=True)
class Scenario:
    """The scenario, the type, and a sentence about each choice."""

    profile: str
    type: str
    reasons: tuple[str, str]


def choose_scenario(invoice: Invoice) -> Scenario:
    """What the invoice is in Türkiye; ``invoice`` is in the common shape of ``neutral()``, of whatever source."""
    type_, type_reason = _type(invoice)
    profile, reason = _profile(invoice, is_return=invoice.is_credit_note)
    return Scenario(profile, type_, (reason, type_reason))


def exemption_codes(invoice: Invoice) -> set[str]:
    """GİB's codes of exemptions on lines and rows."""
    taxes = [line.tax for line in invoice.lines if line.tax] + [row for each in invoice.taxes for row in each.rows]
    return {tax.exemption_code for tax in taxes if tax.exemption_code and _CODE.fullmatch(tax.exemption_code)}


def is_registered(party: Party) -> bool:
    """Whether the party has a mailbox (alias) of e-Fatura."""
    return party.endpoint is not None and party.endpoint.value.startswith(_ALIAS)


def _profile(invoice: Invoice, *, is_return: bool) -> tuple[str, str]:
    named = invoice.process
    if named in _OWN and (not is_return or named in _RETURNED):
        return named, N_("The invoice names the scenario.")
    if any(each.scheme in _MEDICAL_SCHEMES for line in invoice.lines for each in line.item.serials):
        return MEDICAL, N_("Lines have the numbers of packs of medicines or of medical devices.")
    if not is_registered(invoice.buyer):
        return ARCHIVE, N_("The buyer has no mailbox of e-Fatura, so that this is an e-Arşiv invoice.")
    if is_return:
        return BASIC, N_("A return is never in the scenario TICARIFATURA.")
    return BASIC, N_("The buyer has a mailbox of e-Fatura, and no other scenario is named.")


def _type(invoice: Invoice) -> tuple[str, str]:
    if invoice.local_type is not None:
        return invoice.local_type, N_("The invoice names the type.")
    codes = exemption_codes(invoice) - _FOR_SALES
    if invoice.is_credit_note:
        return RETURN, N_("Money is given back: GİB knows it as a return.")
    if withheld(invoice):
        return WITHHOLDING, N_("A part of the VAT is withheld.")
    return _type_of_exemption(codes) if codes else (SALE, N_("It is a usual sale."))


def _type_of_exemption(codes: set[str]) -> tuple[str, str]:
    if any(_EXPORT_CODES.fullmatch(code) for code in codes):
        return EXPORT_REGISTERED, N_("The exemption is that of goods that the buyer exports.")
    if any(_BASE_CODES.fullmatch(code) for code in codes):
        return SPECIAL_BASE, N_("The VAT is computed from a base that the law sets.")
    return EXEMPT, N_("Lines are exempt from VAT.")
