"""Parties of UBL documents, of EN 16931 and of UBL-TR."""

from __future__ import annotations

from app.formats.canonical import Address, Contact, Delivery, Identifier, Party
from app.formats.xml_tree import Node

#: Schemes of UBL-TR that number a taxpayer.
_TAXPAYER = frozenset({"VKN", "TCKN"})


def read_party(node: Node | None) -> Party | None:
    """The party in a ``cac:Party`` or an element of its kind."""
    if node is None:
        return None
    ids = [_identifier(each.find("ID")) for each in node.all("PartyIdentification")]
    known = [each for each in ids if each is not None]
    taxes = [each for each in known if each.scheme in _TAXPAYER] + _tax_ids(node)
    others = [each for each in known if each.scheme not in _TAXPAYER]
    legal = _identifier(node.find("PartyLegalEntity/CompanyID"))
    name, trade_name = node.read("PartyLegalEntity/RegistrationName"), node.read("PartyName/Name")
    return Party(
        name=name or trade_name,
        trade_name=trade_name if name else None,
        first_name=node.read("Person/FirstName"),
        family_name=node.read("Person/FamilyName"),
        tax_ids=tuple(taxes),
        ids=(*others, *([legal] if legal else [])),
        tax_office=node.read("PartyTaxScheme/TaxScheme/Name"),
        endpoint=_identifier(node.find("EndpointID")),
        address=read_address(node.find("PostalAddress")),
        contact=_contact(node.find("Contact")),
    )


def read_address(node: Node | None) -> Address | None:
    if node is None:
        return None
    return Address(
        street=node.read("StreetName"),
        additional=node.read("AdditionalStreetName") or node.read("BuildingName"),
        building=node.read("BuildingNumber"),
        district=node.read("CitySubdivisionName"),
        city=node.read("CityName"),
        postcode=node.read("PostalZone"),
        region=node.read("CountrySubentity") or node.read("Region"),
        country=node.read("Country/IdentificationCode"),
        country_name=node.read("Country/Name"),
    )


def read_delivery(node: Node | None) -> Delivery | None:
    if node is None:
        return None
    place = node.find("DeliveryLocation")
    address = read_address(place.find("Address") if place is not None else node.find("DeliveryAddress"))
    number = _identifier(place.find("ID")) if place is not None else None
    name = node.read("DeliveryParty/PartyName/Name")
    has_party = name or address or number
    party = Party(name=name, address=address, ids=(number,) if number else ()) if has_party else None
    return Delivery(date=node.read("ActualDeliveryDate"), party=party)


def _tax_ids(node: Node) -> list[Identifier]:
    schemes = ((each.read("CompanyID"), each.read("TaxScheme/ID")) for each in node.all("PartyTaxScheme"))
    return [Identifier(value=value, scheme=scheme) for value, scheme in schemes if value]


def _identifier(node: Node | None) -> Identifier | None:
    if node is None or not node.text.strip():
        return None
    return Identifier(value=node.text.strip(), scheme=node.attributes.get("schemeID") or None)


def _contact(node: Node | None) -> Contact | None:
    if node is None:
        return None
    return Contact(name=node.read("Name"), phone=node.read("Telephone"), email=node.read("ElectronicMail"))
