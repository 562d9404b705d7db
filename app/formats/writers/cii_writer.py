"""``write_cii()``: a CII invoice of EN 16931, as Factur-X wants it, from its canonical form."""

from __future__ import annotations

from app.formats.canonical import Invoice, Payment, Reference, TaxTotal, Totals
from app.formats.writers.cii_line_writer import allowance, line, tax
from app.formats.writers.cii_party_writer import deliver_to, moment, trade_party
from app.formats.writers.xml_text import DECLARATION, amount_text, element, group

_STANDARD = "urn:un:unece:uncefact:data:standard:"
_PREFIXES = (
    f'xmlns:rsm="{_STANDARD}CrossIndustryInvoice:100" xmlns:qdt="{_STANDARD}QualifiedDataType:100" '
    f'xmlns:ram="{_STANDARD}ReusableAggregateBusinessInformationEntity:100" '
    f'xmlns:udt="{_STANDARD}UnqualifiedDataType:100"'
)
#: A project needs a name, and an invoice has a number of it alone.
_PROJECT = "Project reference"
_COUNTRY_LENGTH = 2


def write_cii(form: Invoice) -> bytes:
    """The document of a form of the format ``CII``, in UTF-8."""
    context = group(
        "rsm:ExchangedDocumentContext",
        group("ram:BusinessProcessSpecifiedDocumentContextParameter", element("ram:ID", form.process)),
        group("ram:GuidelineSpecifiedDocumentContextParameter", element("ram:ID", form.specification)),
    )
    head = group(
        "rsm:ExchangedDocument",
        element("ram:ID", form.number),
        element("ram:TypeCode", form.type),
        moment("ram:IssueDateTime", form.issue_date),
        *(group("ram:IncludedNote", element("ram:Content", each)) for each in form.notes),
    )
    lines = "".join(line(each, form.currency) for each in form.lines)
    trade = group("rsm:SupplyChainTradeTransaction", lines + _agreement(form) + _delivery(form) + _settlement(form))
    root = "rsm:CrossIndustryInvoice"
    return f"{DECLARATION}<{root} {_PREFIXES}>{context}{head}{trade}</{root}>\n".encode()


def _agreement(form: Invoice) -> str:
    return group(
        "ram:ApplicableHeaderTradeAgreement",
        element("ram:BuyerReference", form.buyer_reference),
        trade_party("ram:SellerTradeParty", form.seller),
        trade_party("ram:BuyerTradeParty", form.buyer),
        trade_party("ram:SellerTaxRepresentativeTradeParty", form.tax_representative),
        *_documents(form, "ram:BuyerOrderReferencedDocument", "order"),
        *_documents(form, "ram:ContractReferencedDocument", "contract"),
        *_documents(form, "ram:AdditionalReferencedDocument", "additional", "tender"),
        *(
            group("ram:SpecifiedProcuringProject", element("ram:ID", each.id), element("ram:Name", _PROJECT))
            for each in form.references
            if each.kind == "project"
        ),
    )


def _delivery(form: Invoice) -> str:
    content = "".join(
        (
            deliver_to(form.delivery),
            *_documents(form, "ram:DespatchAdviceReferencedDocument", "despatch"),
            *_documents(form, "ram:ReceivingAdviceReferencedDocument", "receipt"),
        )
    )
    return f"<ram:ApplicableHeaderTradeDelivery>{content}</ram:ApplicableHeaderTradeDelivery>"  # even without content


def _documents(form: Invoice, name: str, *kinds: str) -> list[str]:
    return [_document(name, each) for each in form.references if each.kind in kinds]


def _document(name: str, of: Reference) -> str:
    return group(
        name,
        element("ram:IssuerAssignedID", of.id),
        element("ram:TypeCode", of.type),
        moment("ram:FormattedIssueDateTime", of.date, kind="qdt:DateTimeString"),
    )


def _settlement(form: Invoice) -> str:
    own = form.taxes[0] if form.taxes else TaxTotal()
    period = form.period or (None, None)
    reference = next((each.reference for each in form.payments if each.reference), None)
    point = moment("ram:TaxPointDate", form.tax_point_date, kind="udt:DateString")
    return group(
        "ram:ApplicableHeaderTradeSettlement",
        element("ram:PaymentReference", reference),
        element("ram:TaxCurrencyCode", form.tax_currency),
        element("ram:InvoiceCurrencyCode", form.currency),
        trade_party("ram:PayeeTradeParty", form.payee),
        *(_payment(each) for each in form.payments),
        *(tax("ram:ApplicableTradeTax", row, form.currency, point) for row in own.rows),
        group(
            "ram:BillingSpecifiedPeriod",
            moment("ram:StartDateTime", period[0]),
            moment("ram:EndDateTime", period[1]),
        ),
        *(allowance(each, form.currency) for each in form.allowances),
        group(
            "ram:SpecifiedTradePaymentTerms",
            element("ram:Description", form.payment_terms),
            moment("ram:DueDateDateTime", form.due_date),
        ),
        _totals(form.totals, form.taxes, form.currency),
        *_documents(form, "ram:InvoiceReferencedDocument", "original"),
    )


def _payment(of: Payment) -> str:
    is_iban = of.iban is not None and of.iban[:_COUNTRY_LENGTH].isalpha()
    account = group(
        "ram:PayeePartyCreditorFinancialAccount",
        element("ram:IBANID", of.iban if is_iban else None),
        element("ram:AccountName", of.holder),
        element("ram:ProprietaryID", None if is_iban else of.iban),
    )
    return group(
        "ram:SpecifiedTradeSettlementPaymentMeans",
        element("ram:TypeCode", of.means),
        account,
        group("ram:PayeeSpecifiedCreditorFinancialInstitution", element("ram:BICID", of.bic)),
    )


def _tax_total(of: TaxTotal) -> str:
    return element("ram:TaxTotalAmount", amount_text(of.amount, of.currency), currencyID=of.currency)


def _totals(of: Totals, taxes: tuple[TaxTotal, ...], currency: str | None) -> str:
    return group(
        "ram:SpecifiedTradeSettlementHeaderMonetarySummation",
        element("ram:LineTotalAmount", amount_text(of.lines, currency)),
        element("ram:ChargeTotalAmount", amount_text(of.charges, currency)),
        element("ram:AllowanceTotalAmount", amount_text(of.allowances, currency)),
        element("ram:TaxBasisTotalAmount", amount_text(of.tax_exclusive, currency)),
        *(
            element("ram:TaxTotalAmount", amount_text(each.amount, each.currency), currencyID=each.currency)
            for each in taxes
        ),
        element("ram:RoundingAmount", amount_text(of.rounding, currency)),
        element("ram:GrandTotalAmount", amount_text(of.tax_inclusive, currency)),
        element("ram:TotalPrepaidAmount", amount_text(of.prepaid, currency)),
        element("ram:DuePayableAmount", amount_text(of.payable, currency)),
    )
