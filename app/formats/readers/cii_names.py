"""Names of CII: the root elements, and the element names of ZUGFeRD 1.0 in those of CII D16B and later."""

from __future__ import annotations

from app.formats.xml_tree import Node

_NAMESPACE = "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:"
#: ZUGFeRD 1.0.
_OLD_NAMESPACE = "urn:ferd:CrossIndustryDocument:invoice:1p0"
_NEW_NAMES = {
    "CrossIndustryDocument": "CrossIndustryInvoice",
    "SpecifiedExchangedDocumentContext": "ExchangedDocumentContext",
    "HeaderExchangedDocument": "ExchangedDocument",
    "SpecifiedSupplyChainTradeTransaction": "SupplyChainTradeTransaction",
    "ApplicableSupplyChainTradeAgreement": "ApplicableHeaderTradeAgreement",
    "ApplicableSupplyChainTradeDelivery": "ApplicableHeaderTradeDelivery",
    "ApplicableSupplyChainTradeSettlement": "ApplicableHeaderTradeSettlement",
    "SpecifiedTradeSettlementMonetarySummation": "SpecifiedTradeSettlementHeaderMonetarySummation",
    "SpecifiedSupplyChainTradeAgreement": "SpecifiedLineTradeAgreement",
    "SpecifiedSupplyChainTradeDelivery": "SpecifiedLineTradeDelivery",
    "SpecifiedSupplyChainTradeSettlement": "SpecifiedLineTradeSettlement",
    "ApplicablePercent": "RateApplicablePercent",
}
_NEW_LINE_NAMES = {
    "SpecifiedTradeSettlementMonetarySummation": "SpecifiedTradeSettlementLineMonetarySummation",
}


def is_cii(root: Node) -> bool:
    """Whether ``root`` is a cross industry invoice, of any version since ZUGFeRD 1.0."""
    is_new = root.name == "CrossIndustryInvoice" and root.namespace.startswith(_NAMESPACE)
    return is_new or (root.name == "CrossIndustryDocument" and root.namespace == _OLD_NAMESPACE)


def rename_old_elements(root: Node) -> Node:
    """Give the elements of ZUGFeRD 1.0 their present names, in place; its allowances may have a minus sign."""
    if root.namespace == _OLD_NAMESPACE:
        _rename(root, is_line=False)
    return root


def _rename(node: Node, *, is_line: bool) -> None:
    is_line = is_line or node.name == "IncludedSupplyChainTradeLineItem"
    new = _NEW_LINE_NAMES.get(node.name) if is_line else None
    node.name = new or _NEW_NAMES.get(node.name, node.name)
    for child in node.children:
        if child.name == "ActualAmount" and node.name == "SpecifiedTradeAllowanceCharge":
            child.text = child.text.strip().removeprefix("-")
        _rename(child, is_line=is_line)
