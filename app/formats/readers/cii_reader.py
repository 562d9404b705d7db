"""``read_cii()``: invoices in CII, of Factur-X, ZUGFeRD and XRechnung."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.formats.canonical import Delivery, Format, Invoice, Party, Payment, Reference, TaxTotal, Totals
from app.formats.readers.cii_line import read_allowances, read_category, read_line
from app.formats.readers.cii_names import rename_old_elements
from app.formats.readers.cii_party import read_party
from app.formats.values import ValueReader, iso_date
from app.formats.xml_tree import Node

_CREDIT_NOTES = frozenset({"81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532"})
#: The type of a document that is a call for tenders.
_TENDER = "50"
_EMPTY = Node("", "", {})
_SUMS = "SpecifiedTradeSettlementHeaderMonetarySummation"
#: Elements of the agreement and the settlement that refer to another document.
_REFERENCES = {
    "BuyerOrderReferencedDocument": "order",
    "ContractReferencedDocument": "contract",
    "AdditionalReferencedDocument": "additional",
    "InvoiceReferencedDocument": "original",
    "DespatchAdviceReferencedDocument": "despatch",
    "ReceivingAdviceReferencedDocument": "receipt",
}


def read_cii(root: Node) -> Invoice:
    """The invoice in a CII document. Values that cannot be read are ``faults``."""
    rename_old_elements(root)
    values = ValueReader()
    trade = root.find("SupplyChainTradeTransaction") or _EMPTY
    agreement = trade.find("ApplicableHeaderTradeAgreement") or _EMPTY
    delivery = trade.find("ApplicableHeaderTradeDelivery") or _EMPTY
    settlement = trade.find("ApplicableHeaderTradeSettlement") or _EMPTY
    currency = settlement.read("InvoiceCurrencyCode")
    invoice = replace(
        _settled(_head(root), settlement),
        currency=currency,
        tax_currency=settlement.read("TaxCurrencyCode"),
        exchange_rate=values.decimal(settlement.find("TaxApplicableTradeCurrencyExchange"), "ConversionRate"),
        buyer_reference=agreement.read("BuyerReference"),
        references=tuple(_references(agreement, delivery, settlement)),
        seller=read_party(agreement.find("SellerTradeParty")) or Party(),
        buyer=read_party(agreement.find("BuyerTradeParty")) or Party(),
        payee=read_party(settlement.find("PayeeTradeParty")),
        tax_representative=read_party(agreement.find("SellerTaxRepresentativeTradeParty")),
        delivery=_delivery(delivery),
        lines=tuple(read_line(each, values) for each in trade.all("IncludedSupplyChainTradeLineItem")),
        allowances=read_allowances(settlement, values),
        taxes=_taxes(settlement, currency, values),
        totals=_totals(settlement.find(_SUMS), values),
    )
    return replace(invoice, faults=tuple(values.faults))


def _head(root: Node) -> Invoice:
    context, head = root.find("ExchangedDocumentContext") or _EMPTY, root.find("ExchangedDocument") or _EMPTY
    type_ = head.read("TypeCode")
    return Invoice(
        format=Format.CII,
        specification=context.read("GuidelineSpecifiedDocumentContextParameter/ID"),
        process=context.read("BusinessProcessSpecifiedDocumentContextParameter/ID"),
        number=head.read("ID"),
        type=type_,
        is_credit_note=type_ in _CREDIT_NOTES,
        issue_date=_date(head, "IssueDateTime"),
        notes=tuple(text for each in head.all("IncludedNote") if (text := each.read("Content"))),
    )


def _settled(invoice: Invoice, settlement: Node) -> Invoice:
    """The invoice with its dates and payments."""
    terms = settlement.find("SpecifiedTradePaymentTerms") or _EMPTY
    period = settlement.find("BillingSpecifiedPeriod")
    return replace(
        invoice,
        tax_point_date=_date(settlement, "ApplicableTradeTax/TaxPointDate"),
        due_date=_date(terms, "DueDateDateTime"),
        payment_terms=terms.read("Description"),
        period=(_date(period, "StartDateTime"), _date(period, "EndDateTime")) if period is not None else None,
        payments=tuple(_payments(settlement)),
    )


def _date(node: Node, path: str) -> str | None:
    return iso_date(node.read(f"{path}/DateTimeString") or node.read(f"{path}/DateString"))


def _delivery(node: Node) -> Delivery | None:
    date = _date(node, "ActualDeliverySupplyChainEvent/OccurrenceDateTime")
    party = read_party(node.find("ShipToTradeParty"))
    return Delivery(date=date, party=party) if date or party else None


def _references(*nodes: Node) -> Iterator[Reference]:
    for node in nodes:
        for name, kind in _REFERENCES.items():
            for each in node.all(name):
                if number := each.read("IssuerAssignedID") or each.read("ID"):
                    date, type_ = _date(each, "FormattedIssueDateTime"), each.read("TypeCode")
                    is_tender = kind == "additional" and type_ == _TENDER
                    yield Reference(kind="tender" if is_tender else kind, id=number, date=date, type=type_)
        if project := node.read("SpecifiedProcuringProject/ID"):
            yield Reference(kind="project", id=project)


def _payments(settlement: Node) -> Iterator[Payment]:
    reference = settlement.read("PaymentReference")
    for each in settlement.all("SpecifiedTradeSettlementPaymentMeans"):
        account = each.find("PayeePartyCreditorFinancialAccount") or _EMPTY
        yield Payment(
            means=each.read("TypeCode"),
            iban=account.read("IBANID") or account.read("ProprietaryID"),
            bic=each.read("PayeeSpecifiedCreditorFinancialInstitution/BICID"),
            holder=account.read("AccountName"),
            reference=reference,
        )


def _taxes(settlement: Node, currency: str | None, values: ValueReader) -> tuple[TaxTotal, ...]:
    """The rows with the total of the invoice's currency, then the totals of other currencies."""
    rows = tuple(tax for each in settlement.all("ApplicableTradeTax") if (tax := read_category(each, values)))
    sums = settlement.find(_SUMS) or _EMPTY
    stated = [
        TaxTotal(amount=values.parse(text, "TaxTotalAmount"), currency=each.attributes.get("currencyID") or currency)
        for each in sums.all("TaxTotalAmount")
        if (text := each.text.strip())
    ]
    own = next((each for each in stated if each.currency == currency), stated[0] if len(stated) == 1 else TaxTotal())
    others = tuple(each for each in stated if each is not own)
    return (TaxTotal(amount=own.amount, currency=own.currency, rows=rows), *others)


def _totals(node: Node | None, values: ValueReader) -> Totals:
    return Totals(
        lines=values.decimal(node, "LineTotalAmount"),
        allowances=values.decimal(node, "AllowanceTotalAmount"),
        charges=values.decimal(node, "ChargeTotalAmount"),
        tax_exclusive=values.decimal(node, "TaxBasisTotalAmount"),
        tax_inclusive=values.decimal(node, "GrandTotalAmount"),
        prepaid=values.decimal(node, "TotalPrepaidAmount"),
        rounding=values.decimal(node, "RoundingAmount"),
        payable=values.decimal(node, "DuePayableAmount"),
    )
