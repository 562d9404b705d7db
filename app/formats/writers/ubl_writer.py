"""``write_ubl()``: UBL 2.1 invoices and credit notes of EN 16931, and UBL-TR invoices, from their canonical forms."""

from __future__ import annotations

from app.formats.canonical import Format, Invoice, Party, Payment, Reference, Totals
from app.formats.readers.ubl_reader import NAMESPACES
from app.formats.writers.ubl_line_writer import UblSyntax, allowance, line, tax_total
from app.formats.writers.ubl_party_writer import delivery, en_party, named_party, turkish_party
from app.formats.writers.xml_text import DECLARATION, element, escaped, group, number

_COMMON = "urn:oasis:names:specification:ubl:schema:xsd:Common"
_PREFIXES = f'xmlns:cac="{_COMMON}AggregateComponents-2" xmlns:cbc="{_COMMON}BasicComponents-2"'
_TURKISH_PREFIXES = (
    f'{_PREFIXES} xmlns:ext="{_COMMON}ExtensionComponents-2" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    f'xsi:schemaLocation="{NAMESPACES["Invoice"]} UBL-Invoice-2.1.xsd"'
)
#: The place of the signature, which the integrator fills: the schema wants an element of another namespace there.
_UNSIGNED = (
    "<ext:UBLExtensions><ext:UBLExtension><ext:ExtensionContent>"
    '<unsigned xmlns="urn:invoice-hub:unsigned"/>'
    "</ext:ExtensionContent></ext:UBLExtension></ext:UBLExtensions>"
)
_VERSION = "2.1"
_LIRA = "TRY"
#: Elements that refer to another document, in the order of the schema, and the kinds of reference in them.
_DOCUMENTS = (
    ("cac:DespatchDocumentReference", "despatch"),
    ("cac:ReceiptDocumentReference", "receipt"),
    ("cac:OriginatorDocumentReference", "tender"),
    ("cac:ContractDocumentReference", "contract"),
    ("cac:AdditionalDocumentReference", "additional"),
)
#: Credit notes have the tender at the end, and a project among the other documents.
_CREDITED_DOCUMENTS = (
    ("cac:DespatchDocumentReference", "despatch"),
    ("cac:ReceiptDocumentReference", "receipt"),
    ("cac:ContractDocumentReference", "contract"),
    ("cac:AdditionalDocumentReference", "project"),
    ("cac:AdditionalDocumentReference", "additional"),
    ("cac:OriginatorDocumentReference", "tender"),
)


def write_ubl(form: Invoice) -> bytes:
    """The document of a form of the format ``UBL`` or ``UBL_TR``, in UTF-8."""
    is_turkish = form.format is Format.UBL_TR
    root = "CreditNote" if form.is_credit_note else "Invoice"
    syntax = UblSyntax(form.currency, is_turkish, form.is_credit_note)
    prefixes = _TURKISH_PREFIXES if is_turkish else _PREFIXES
    content = "".join(
        (
            _head(form, syntax),
            _references(form),
            _parties(form, syntax),
            _settlement(form, syntax),
            *(line(each, syntax) for each in form.lines),
        )
    )
    return f'{DECLARATION}<{root} xmlns="{NAMESPACES[root]}" {prefixes}>{content}</{root}>\n'.encode()


def _head(form: Invoice, syntax: UblSyntax) -> str:
    is_turkish, is_credit_note = syntax.is_turkish, syntax.is_credit_note
    type_ = element("cbc:CreditNoteTypeCode" if is_credit_note else "cbc:InvoiceTypeCode", form.type)
    point = element("cbc:TaxPointDate", form.tax_point_date)
    period = form.period or (None, None)
    return "".join(
        (
            _UNSIGNED + element("cbc:UBLVersionID", _VERSION) if is_turkish else "",
            element("cbc:CustomizationID", form.specification),
            element("cbc:ProfileID", form.process),
            element("cbc:ID", form.number),
            element("cbc:CopyIndicator", "false") if is_turkish else "",
            element("cbc:UUID", form.uuid),
            element("cbc:IssueDate", form.issue_date),
            element("cbc:IssueTime", form.issue_time),
            "" if is_turkish or is_credit_note else element("cbc:DueDate", form.due_date),
            point + type_ if is_credit_note else type_,  # the schemas differ in the order
            *(element("cbc:Note", each) for each in form.notes),
            "" if is_credit_note else point,
            element("cbc:DocumentCurrencyCode", form.currency),
            element("cbc:TaxCurrencyCode", form.tax_currency),
            element("cbc:LineCountNumeric", str(len(form.lines))) if is_turkish else "",
            element("cbc:BuyerReference", form.buyer_reference),
            group("cac:InvoicePeriod", element("cbc:StartDate", period[0]), element("cbc:EndDate", period[1])),
        )
    )


def _references(form: Invoice) -> str:
    def of(kind: str) -> list[Reference]:
        return [each for each in form.references if each.kind == kind]

    originals = (
        group("cac:BillingReference", _document("cac:InvoiceDocumentReference", each)) for each in of("original")
    )
    documents = _CREDITED_DOCUMENTS if form.is_credit_note else (*_DOCUMENTS, ("cac:ProjectReference", "project"))
    return "".join(
        (
            *(_document("cac:OrderReference", each) for each in of("order")),
            *originals,
            *(_document(name, each) for name, kind in documents for each in of(kind)),
        )
    )


def _document(name: str, of: Reference) -> str:
    return group(
        name,
        element("cbc:ID", of.id),
        element("cbc:IssueDate", of.date),
        element("cbc:DocumentTypeCode", of.type),
    )


def _parties(form: Invoice, syntax: UblSyntax) -> str:
    party = turkish_party if syntax.is_turkish else en_party
    return "".join(
        (
            _signature(form.seller) if syntax.is_turkish else "",
            group("cac:AccountingSupplierParty", party("cac:Party", form.seller)),
            group("cac:AccountingCustomerParty", party("cac:Party", form.buyer)),
            named_party("cac:PayeeParty", form.payee),
            named_party("cac:TaxRepresentativeParty", form.tax_representative),
            delivery(form.delivery, is_turkish=syntax.is_turkish),
        )
    )


def _signature(seller: Party) -> str:
    """The block of the signature; the integrator signs in the name of the seller."""
    if not seller.tax_ids:
        return ""
    number_ = seller.tax_ids[0]
    signatory = Party(tax_ids=(number_,), address=seller.address)
    return group(
        "cac:Signature",
        element("cbc:ID", number_.value, schemeID="VKN_TCKN"),
        turkish_party("cac:SignatoryParty", signatory),
        group(
            "cac:DigitalSignatureAttachment",
            group("cac:ExternalReference", element("cbc:URI", f"#Signature_{escaped(number_.value)}")),
        ),
    )


def _settlement(form: Invoice, syntax: UblSyntax) -> str:
    dated = form.due_date if syntax.is_turkish or syntax.is_credit_note else None
    means = [_payment(each, dated if place == 0 else None, syntax) for place, each in enumerate(form.payments)]
    terms = group(
        "cac:PaymentTerms",
        element("cbc:Note", form.payment_terms),
        element("cbc:PaymentDueDate", None if means else dated),
    )
    rate = group(
        "cac:PricingExchangeRate",
        element("cbc:SourceCurrencyCode", form.currency),
        element("cbc:TargetCurrencyCode", _LIRA),
        element("cbc:CalculationRate", number(form.exchange_rate)),
        element("cbc:Date", form.exchange_date),
    )
    return "".join(
        (
            *means,
            terms,
            *(allowance(each, syntax) for each in form.allowances),
            rate if form.exchange_rate is not None else "",
            *(tax_total("cac:TaxTotal", each, syntax) for each in form.taxes),
            *(tax_total("cac:WithholdingTaxTotal", each, syntax) for each in form.withholdings),
            _totals(form.totals, syntax),
        )
    )


def _payment(of: Payment, due_date: str | None, syntax: UblSyntax) -> str:
    branch = group("cac:FinancialInstitutionBranch", element("cbc:ID", of.bic))
    account = group(
        "cac:PayeeFinancialAccount",
        element("cbc:ID", of.iban),
        element("cbc:CurrencyCode", syntax.currency if syntax.is_turkish and of.iban else None),
        "" if syntax.is_turkish else element("cbc:Name", of.holder) + branch,
    )
    return group(
        "cac:PaymentMeans",
        element("cbc:PaymentMeansCode", of.means),
        element("cbc:PaymentDueDate", due_date),
        "" if syntax.is_turkish else element("cbc:PaymentID", of.reference),
        account,
    )


def _totals(of: Totals, syntax: UblSyntax) -> str:
    return group(
        "cac:LegalMonetaryTotal",
        syntax.amount("cbc:LineExtensionAmount", of.lines),
        syntax.amount("cbc:TaxExclusiveAmount", of.tax_exclusive),
        syntax.amount("cbc:TaxInclusiveAmount", of.tax_inclusive),
        syntax.amount("cbc:AllowanceTotalAmount", of.allowances),
        syntax.amount("cbc:ChargeTotalAmount", of.charges),
        syntax.amount("cbc:PrepaidAmount", of.prepaid),
        syntax.amount("cbc:PayableRoundingAmount", of.rounding),
        syntax.amount("cbc:PayableAmount", of.payable),
    )
