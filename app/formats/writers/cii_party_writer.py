"""Parties and deliveries in CII."""

from __future__ import annotations

from app.formats.canonical import Address, Contact, Delivery, Identifier, Party
from app.formats.writers.xml_text import element, group

#: The code of a VAT number in CII.
_VAT = "VA"
_DATE_FORMAT = "102"


def trade_party(name: str, party: Party | None, *, has_registration: bool = True) -> str:
    """A ``ram:…TradeParty``; the last of its ids is the legal registration where it can have one."""
    if party is None:
        return ""
    others = party.ids[:-1] if has_registration else party.ids
    legal = party.ids[len(others) :]
    return group(
        name,
        *(element("ram:ID", each.value) for each in others if each.scheme is None),
        *(_identifier("ram:GlobalID", each) for each in others if each.scheme is not None),
        element("ram:Name", party.name),
        group(
            "ram:SpecifiedLegalOrganization",
            *(_identifier("ram:ID", each) for each in legal),
            element("ram:TradingBusinessName", party.trade_name),
        ),
        _contact(party.contact),
        _address(party.address),
        group("ram:URIUniversalCommunication", _identifier("ram:URIID", party.endpoint)),
        *(group("ram:SpecifiedTaxRegistration", _identifier("ram:ID", each)) for each in party.tax_ids),
    )


def deliver_to(of: Delivery | None) -> str:
    """Where and when the goods were delivered."""
    if of is None:
        return ""
    event = group("ram:ActualDeliverySupplyChainEvent", moment("ram:OccurrenceDateTime", of.date))
    return trade_party("ram:ShipToTradeParty", of.party, has_registration=False) + event


def moment(name: str, date: str | None, *, kind: str = "udt:DateTimeString") -> str:
    """A date as ``20261130``."""
    return group(name, element(kind, date.replace("-", "") if date else None, format=_DATE_FORMAT))


def _identifier(name: str, of: Identifier | None) -> str:
    if of is None:
        return ""
    return element(name, of.value, schemeID=_VAT if of.scheme == "VAT" else of.scheme)


def _address(of: Address | None) -> str:
    if of is None:
        return ""
    return group(
        "ram:PostalTradeAddress",
        element("ram:PostcodeCode", of.postcode),
        element("ram:LineOne", of.street),
        element("ram:LineTwo", of.additional),
        element("ram:CityName", of.city),
        element("ram:CountryID", of.country),
        element("ram:CountrySubDivisionName", of.region),
    )


def _contact(of: Contact | None) -> str:
    if of is None:
        return ""
    return group(
        "ram:DefinedTradeContact",
        element("ram:PersonName", of.name),
        group("ram:TelephoneUniversalCommunication", element("ram:CompleteNumber", of.phone)),
        group("ram:EmailURIUniversalCommunication", element("ram:URIID", of.email)),
    )
