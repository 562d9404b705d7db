"""``read_ubl()``: invoices and credit notes in UBL 2.1, of EN 16931, Peppol and UBL-TR."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from app.formats.canonical import Format, Invoice, Party, Payment, Reference, TaxTotal, Totals
from app.formats.readers.ubl_line import read_allowances, read_lines, read_taxes
from app.formats.readers.ubl_party import read_delivery, read_party
from app.formats.values import ValueReader
from app.formats.xml_tree import Node

_UBL = "urn:oasis:names:specification:ubl:schema:xsd:"
#: Namespaces of the root elements.
NAMESPACES = {"Invoice": f"{_UBL}Invoice-2", "CreditNote": f"{_UBL}CreditNote-2"}
_EXTENSION = "extension:xrechnung"
#: Where a due date may be: credit notes and UBL-TR have no ``cbc:DueDate``.
_DUE_DATES = ("DueDate", "PaymentMeans/PaymentDueDate", "PaymentTerms/PaymentDueDate")
#: The type of a document that is the reference of a project, in credit notes.
_PROJECT = "50"
#: Elements that refer to another document.
_REFERENCES = {
    "OrderReference": "order",
    "ContractDocumentReference": "contract",
    "DespatchDocumentReference": "despatch",
    "ReceiptDocumentReference": "receipt",
    "OriginatorDocumentReference": "tender",
    "ProjectReference": "project",
    "AdditionalDocumentReference": "additional",
}


def is_ubl(root: Node) -> bool:
    """Whether ``root`` is an invoice or a credit note of UBL."""
    return NAMESPACES.get(root.name) == root.namespace


def read_ubl(root: Node) -> Invoice:
    """The invoice in a UBL document. Values that cannot be read are ``faults``."""
    values = ValueReader()
    line = "CreditNoteLine" if root.name == "CreditNote" else "InvoiceLine"
    invoice = replace(
        _head(root),
        exchange_rate=values.decimal(root.find("PricingExchangeRate"), "CalculationRate"),
        exchange_date=root.read("PricingExchangeRate/Date"),
        references=tuple(_references(root)),
        seller=read_party(root.find("AccountingSupplierParty/Party")) or Party(),
        buyer=read_party(root.find("AccountingCustomerParty/Party")) or Party(),
        payee=read_party(root.find("PayeeParty")),
        tax_representative=read_party(root.find("TaxRepresentativeParty")),
        delivery=read_delivery(root.find("Delivery")),
        payments=tuple(_payment(each) for each in root.all("PaymentMeans")),
        lines=tuple(part for each in root.all(line) for part in read_lines(each, values)),
        allowances=read_allowances(root, values),
        taxes=_own_first(read_taxes(root, "TaxTotal", values), root.read("DocumentCurrencyCode")),
        withholdings=read_taxes(root, "WithholdingTaxTotal", values),
        totals=replace(_totals(root.find("LegalMonetaryTotal"), values), third_party=_third_party(root, values)),
    )
    return replace(invoice, faults=tuple(values.faults))


def _head(root: Node) -> Invoice:
    is_credit_note = root.name == "CreditNote"
    specification = root.read("CustomizationID")
    period = root.find("InvoicePeriod")
    return Invoice(
        format=Format.UBL_TR if (specification or "").upper().startswith("TR") else Format.UBL,
        specification=specification,
        process=root.read("ProfileID"),
        number=root.read("ID"),
        uuid=root.read("UUID"),
        type=root.read("CreditNoteTypeCode" if is_credit_note else "InvoiceTypeCode"),
        is_credit_note=is_credit_note,
        issue_date=root.read("IssueDate"),
        issue_time=root.read("IssueTime"),
        tax_point_date=root.read("TaxPointDate"),
        due_date=next((date for path in _DUE_DATES if (date := root.read(path))), None),
        payment_terms=root.read("PaymentTerms/Note"),
        period=(period.read("StartDate"), period.read("EndDate")) if period is not None else None,
        currency=root.read("DocumentCurrencyCode"),
        tax_currency=root.read("TaxCurrencyCode"),
        buyer_reference=root.read("BuyerReference"),
        notes=tuple(text for each in root.all("Note") if (text := each.text.strip())),
    )


def _own_first(taxes: tuple[TaxTotal, ...], currency: str | None) -> tuple[TaxTotal, ...]:
    """The total with the rows, in the currency of the invoice, before that of another currency."""
    return tuple(sorted(taxes, key=lambda each: (each.currency not in {currency, None}, not each.rows)))


def _references(root: Node) -> Iterator[Reference]:
    for name, kind in _REFERENCES.items():
        for each in root.all(name):
            if number := each.read("ID"):
                type_ = each.read("DocumentTypeCode") or each.read("DocumentType")
                is_project = kind == "additional" and type_ == _PROJECT and root.name == "CreditNote"
                yield Reference(
                    kind="project" if is_project else kind, id=number, date=each.read("IssueDate"), type=type_
                )
    for each in root.all("BillingReference"):
        original = each.find("InvoiceDocumentReference") or each.find("CreditNoteDocumentReference")
        if original is not None and (number := original.read("ID")):
            type_ = original.read("DocumentTypeCode")
            yield Reference(kind="original", id=number, date=original.read("IssueDate"), type=type_)


def _payment(node: Node) -> Payment:
    account = node.find("PayeeFinancialAccount")
    return Payment(
        means=node.read("PaymentMeansCode"),
        iban=account.read("ID") if account is not None else None,
        bic=account.read("FinancialInstitutionBranch/ID") if account is not None else None,
        holder=account.read("Name") if account is not None else None,
        reference=node.read("PaymentID"),
    )


def _third_party(root: Node, values: ValueReader) -> Decimal | None:
    """Only the extension of XRechnung adds these payments to the payable amount."""
    if _EXTENSION not in (root.read("CustomizationID") or ""):
        return None
    paid = [values.decimal(each, "PaidAmount") for each in root.all("PrepaidPayment")]
    return sum((each for each in paid if each is not None), Decimal(0)) if paid else None


def _totals(node: Node | None, values: ValueReader) -> Totals:
    return Totals(
        lines=values.decimal(node, "LineExtensionAmount"),
        allowances=values.decimal(node, "AllowanceTotalAmount"),
        charges=values.decimal(node, "ChargeTotalAmount"),
        tax_exclusive=values.decimal(node, "TaxExclusiveAmount"),
        tax_inclusive=values.decimal(node, "TaxInclusiveAmount"),
        prepaid=values.decimal(node, "PrepaidAmount"),
        rounding=values.decimal(node, "PayableRoundingAmount"),
        payable=values.decimal(node, "PayableAmount"),
    )
