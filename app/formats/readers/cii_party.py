"""Parties of CII documents."""

from __future__ import annotations

from app.formats.canonical import Address, Contact, Identifier, Party
from app.formats.xml_tree import Node


def read_party(node: Node | None) -> Party | None:
    """The party in a ``ram:…TradeParty``."""
    if node is None:
        return None
    legal = node.find("SpecifiedLegalOrganization")
    ids = [identifier(each) for name in ("ID", "GlobalID") for each in node.all(name)]
    ids += [identifier(legal.find("ID"))] if legal is not None else []
    numbers = [each.find("ID") for each in node.all("SpecifiedTaxRegistration")]
    return Party(
        name=node.read("Name"),
        trade_name=legal.read("TradingBusinessName") if legal is not None else None,
        tax_ids=tuple(number for each in numbers if (number := identifier(each))),
        ids=tuple(each for each in ids if each is not None),
        endpoint=identifier(node.find("URIUniversalCommunication/URIID")),
        address=_address(node.find("PostalTradeAddress")),
        contact=_contact(node.find("DefinedTradeContact")),
    )


def identifier(node: Node | None) -> Identifier | None:
    """The id in an element with ``schemeID``; ``VA`` of CII is ``VAT``."""
    if node is None or not node.text.strip():
        return None
    scheme = node.attributes.get("schemeID") or None
    return Identifier(value=node.text.strip(), scheme="VAT" if scheme == "VA" else scheme)


def _address(node: Node | None) -> Address | None:
    if node is None:
        return None
    return Address(
        street=node.read("LineOne"),
        additional=node.read("LineTwo"),
        city=node.read("CityName"),
        postcode=node.read("PostcodeCode"),
        region=node.read("CountrySubDivisionName"),
        country=node.read("CountryID"),
    )


def _contact(node: Node | None) -> Contact | None:
    if node is None:
        return None
    return Contact(
        name=node.read("PersonName") or node.read("DepartmentName"),
        phone=node.read("TelephoneUniversalCommunication/CompleteNumber"),
        email=node.read("EmailURIUniversalCommunication/URIID"),
    )
