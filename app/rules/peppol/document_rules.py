"""Rules of Peppol for the document: process, references, parties, codes and totals."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.formats.xml_tree import Node
from app.rules.peppol.broken_rules import BrokenRule, are_german, number

SPECIFICATION = "urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0"
_PROCESS = re.compile(r"urn:fdc:peppol\.eu:2017:poacc:billing:[0-9]{2}:1\.0")
_INVOICES = frozenset(
    {"71", "80", "82", "84", "102", "218", "219", "331", "380", "382", "383", "386", "388", "393", "395"}
    | {"553", "575", "623", "780", "817", "870", "875", "876", "877"}
)
_CREDIT_NOTES = frozenset({"81", "83", "381", "396", "532"})
#: Partial and corrected invoices, between German organisations.
_GERMAN_TYPES = frozenset({"326", "384"})
_DIRECT_DEBITS = frozenset({"49", "59"})
_DATE = re.compile(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_DATES = frozenset({"IssueDate", "DueDate", "TaxPointDate", "StartDate", "EndDate", "ActualDeliveryDate"})
#: Amounts in the currency of the invoice; the VAT total has its own rule.
_AMOUNTS = frozenset(
    {"Amount", "BaseAmount", "PriceAmount", "TaxableAmount", "LineExtensionAmount", "TaxExclusiveAmount"}
    | {"TaxInclusiveAmount", "AllowanceTotalAmount", "ChargeTotalAmount", "PrepaidAmount", "PayableRoundingAmount"}
    | {"PayableAmount"}
)
#: Exemption code -> the one category that has it.
EXEMPTION_CATEGORIES = {
    "VATEX-EU-G": ("G", "P0104"),
    "VATEX-EU-O": ("O", "P0105"),
    "VATEX-EU-IC": ("K", "P0106"),
    "VATEX-EU-AE": ("AE", "P0107"),
    "VATEX-EU-D": ("E", "P0108"),
    "VATEX-EU-F": ("E", "P0109"),
    "VATEX-EU-I": ("E", "P0110"),
    "VATEX-EU-J": ("E", "P0111"),
}


def document_rules(root: Node) -> Iterator[BrokenRule]:
    """The broken rules of the document."""
    yield from _process(root)
    yield from _references(root)
    yield from _addresses(root)
    yield from _types(root)
    yield from _tax_totals(root)
    yield from _exemptions(root)
    yield from _elements(root, f"/{root.name}")
    yield from _currencies(root, f"/{root.name}", root.read("DocumentCurrencyCode"))


def _process(root: Node) -> Iterator[BrokenRule]:
    process, specification = root.read("ProfileID"), root.read("CustomizationID") or ""
    if process is None:
        yield BrokenRule("R001", "The business process is missing.", "cbc:ProfileID", ("BT-23",))
    if process is None or not _PROCESS.fullmatch(process):
        text = "The business process is not of the form urn:fdc:peppol.eu:2017:poacc:billing:NN:1.0."
        yield BrokenRule("R007", text, "cbc:ProfileID", ("BT-23",))
    if not specification.startswith(SPECIFICATION):
        text = f"The specification identifier does not begin with {SPECIFICATION}."
        yield BrokenRule("R004", text, "cbc:CustomizationID", ("BT-24",))


def _references(root: Node) -> Iterator[BrokenRule]:
    if len(list(root.all("Note"))) > 1 and not are_german(root):
        text = "The document has several notes; only invoices within Germany may have them."
        yield BrokenRule("R002", text, "cbc:Note", ("BT-22",))
    if root.read("BuyerReference") is None and root.read("OrderReference/ID") is None:
        text = "There is neither a reference of the buyer nor an order number."
        yield BrokenRule("R003", text, "cbc:BuyerReference", ("BT-10", "BT-13"))
    types = [each.read("DocumentTypeCode") for each in root.all("AdditionalDocumentReference")]
    if root.name == "CreditNote" and types.count("50") > 1:
        text = "The credit note names several projects."
        yield BrokenRule("R080", text, "cac:AdditionalDocumentReference", ("BT-11",))
    currency = root.read("TaxCurrencyCode")
    if currency is not None and currency == root.read("DocumentCurrencyCode"):
        text = "The currency of the VAT accounts is that of the invoice; leave it out then."
        yield BrokenRule("R005", text, "cbc:TaxCurrencyCode", ("BT-6",))


def _addresses(root: Node) -> Iterator[BrokenRule]:
    if root.read("AccountingCustomerParty/Party/EndpointID") is None:
        text = "The electronic address of the buyer is missing."
        yield BrokenRule("R010", text, "cac:AccountingCustomerParty/cac:Party/cbc:EndpointID", ("BT-49",))
    if root.read("AccountingSupplierParty/Party/EndpointID") is None:
        text = "The electronic address of the seller is missing."
        yield BrokenRule("R020", text, "cac:AccountingSupplierParty/cac:Party/cbc:EndpointID", ("BT-34",))
    for place, each in enumerate(root.all("PaymentMeans"), 1):
        if each.read("PaymentMeansCode") in _DIRECT_DEBITS and each.read("PaymentMandate/ID") is None:
            text = "A direct debit needs the reference of its mandate."
            yield BrokenRule("R061", text, f"cac:PaymentMeans[{place}]/cac:PaymentMandate", ("BT-89",))


def _types(root: Node) -> Iterator[BrokenRule]:
    invoice, credit_note = root.read("InvoiceTypeCode"), root.read("CreditNoteTypeCode")
    if invoice in _GERMAN_TYPES:
        if not are_german(root):
            text = "The types 326 and 384 are for invoices within Germany only."
            yield BrokenRule("P0112", text, "cbc:InvoiceTypeCode", ("BT-3",))
    elif invoice is not None and invoice not in _INVOICES:
        yield BrokenRule("P0100", "Peppol does not know this type of invoice.", "cbc:InvoiceTypeCode", ("BT-3",))
    if credit_note is not None and credit_note not in _CREDIT_NOTES:
        text = "Peppol does not know this type of credit note."
        yield BrokenRule("P0101", text, "cbc:CreditNoteTypeCode", ("BT-3",))


def _tax_totals(root: Node) -> Iterator[BrokenRule]:
    totals = list(root.all("TaxTotal"))
    full = [each for each in totals if each.find("TaxSubtotal") is not None]
    bare = [each for each in totals if each.find("TaxSubtotal") is None]
    if len(full) != 1:
        yield BrokenRule(
            "R053", "There must be exactly one VAT total with a breakdown by rate.", "cac:TaxTotal", ("BG-23",)
        )
    if len(bare) != (1 if root.read("TaxCurrencyCode") is not None else 0):
        text = "With a currency of the VAT accounts there is one VAT total without a breakdown, and otherwise none."
        yield BrokenRule("R054", text, "cac:TaxTotal", ("BT-111",))
    amounts = [number(each, "TaxAmount") for each in (*full[:1], *bare[:1])]
    signs = {amount > 0 for amount in amounts if amount}
    if root.read("TaxCurrencyCode") is not None and len(signs) > 1:
        text = "The VAT totals in the two currencies have different signs."
        yield BrokenRule("R055", text, "cac:TaxTotal", ("BT-110", "BT-111"))


def _exemptions(root: Node) -> Iterator[BrokenRule]:
    rows = (row for each in root.all("TaxTotal") for row in each.all("TaxSubtotal"))
    for place, row in enumerate(rows, 1):
        code = (row.read("TaxCategory/TaxExemptionReasonCode") or "").upper()
        category, rule = EXEMPTION_CATEGORIES.get(code, (None, ""))
        if category is not None and row.read("TaxCategory/ID") != category:
            text = f"The exemption {code} belongs to the VAT category {category}."
            yield BrokenRule(rule, text, f"cac:TaxTotal/cac:TaxSubtotal[{place}]/cac:TaxCategory", ("BT-118", "BT-121"))


def _elements(node: Node, path: str) -> Iterator[BrokenRule]:
    """No element is empty, and dates have their form."""
    for each in node.children:
        inner = f"{path}/{each.name}"
        if not each.children and not each.text.strip():
            yield BrokenRule("R008", "The element is empty; leave it out.", inner)
        elif each.name in _DATES and not _DATE.fullmatch(each.text.strip()):
            yield BrokenRule("F001", "The date is not of the form YYYY-MM-DD.", inner)
        yield from _elements(each, inner)


def _currencies(node: Node, path: str, currency: str | None) -> Iterator[BrokenRule]:
    has_rows = node.name != "TaxTotal" or node.find("TaxSubtotal") is not None
    for each in node.children:
        inner = f"{path}/{each.name}"
        is_amount = each.name in _AMOUNTS or (each.name == "TaxAmount" and node.name == "TaxTotal" and has_rows)
        if is_amount and each.attributes.get("currencyID") != currency:
            yield BrokenRule("R051", "The amount is in another currency than the invoice.", inner)
        yield from _currencies(each, inner, currency)
