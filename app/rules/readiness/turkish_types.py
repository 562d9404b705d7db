"""Which type of GİB an invoice is, and what does not go with it."""

from __future__ import annotations

from collections.abc import Iterator

from app.formats.canonical import Invoice
from app.formats.code_lists import gib_codes
from app.formats.targets.neutral import neutral
from app.formats.targets.scenarios import (
    EXEMPT,
    EXPORT_REGISTERED,
    RETURN,
    SPECIAL_BASE,
    choose_scenario,
)
from app.kernel.messages import N_, Message
from app.rules.findings import RuleFinding
from app.rules.readiness.rule_gaps import gap, unknown_code

#: GİB's code that has VAT, and the one for which the document needs facts of the customs that the hub does not have.
_WITH_VAT, _CUSTOMS = "555", "702"
_SOCIAL_SECURITY = "SGK"
#: A list of codes of exemptions, the types that it goes with, and the rule.
_TYPES_OF_CODES = (
    ("istisnaTaxExemptionReasonCodeType", {EXEMPT, RETURN, EXPORT_REGISTERED, _SOCIAL_SECURITY}, "3"),
    ("ozelMatrahTaxExemptionReasonCodeType", {SPECIAL_BASE, RETURN, _SOCIAL_SECURITY}, "4"),
    ("ihracExemptionReasonCodeType", {EXPORT_REGISTERED, RETURN, _SOCIAL_SECURITY}, "5"),
)


def type_gaps(invoice: Invoice) -> Iterator[RuleFinding]:
    """Codes of exemptions that the type of the invoice does not have."""
    type_ = choose_scenario(neutral(invoice)).type
    yield from unknown_code("InvoiceTypeCode", "local_type", type_, gib_codes("InvoiceTypeCodeList"))
    for place, line in enumerate(invoice.lines):
        code = line.tax.exemption_code if line.tax else None
        if code is None or code == _WITH_VAT:
            continue
        field = f"lines[{place}].tax.exemption_code"
        for name, types, number in _TYPES_OF_CODES:
            if code in gib_codes(name) and type_ not in types:
                text = N_(
                    "The exemption %(code)s does not go with the type %(type)s: make an invoice of its own for it."
                )
                yield gap(f"TaxExemptionReasonCodeCheck-{number}", field, Message(text, code=code, type=type_))
        if (type_, code) == (EXPORT_REGISTERED, _CUSTOMS):
            text = N_("The exemption 702 needs numbers of the customs, which the hub does not have.")
            yield gap("TaxExemptionReasonCodeCheck-6", field, text)
