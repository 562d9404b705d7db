"""Parties, addresses and deliveries in UBL, of EN 16931 and of UBL-TR."""

from __future__ import annotations

from app.formats.canonical import Address, Contact, Delivery, Identifier, Party
from app.formats.writers.xml_text import element, group


def en_party(name: str, party: Party | None) -> str:
    """A party of EN 16931; the last of its ids is the legal registration."""
    if party is None:
        return ""
    others, legal = party.ids[:-1], party.ids[-1:]
    registration = group(
        "cac:PartyLegalEntity",
        element("cbc:RegistrationName", party.name),
        *(_identifier("cbc:CompanyID", each) for each in legal),
    )
    return group(
        name,
        _identifier("cbc:EndpointID", party.endpoint),
        *(_identification(each) for each in others),
        group("cac:PartyName", element("cbc:Name", party.trade_name)),
        address("cac:PostalAddress", party.address),
        *(_tax_scheme(each) for each in party.tax_ids),
        registration,
        _contact(party.contact),
    )


def named_party(name: str, party: Party | None) -> str:
    """A payee or a tax representative, whose name is in ``cac:PartyName``."""
    if party is None:
        return ""
    others, legal = party.ids[:-1], party.ids[-1:]
    return group(
        name,
        *(_identification(each) for each in others),
        group("cac:PartyName", element("cbc:Name", party.name)),
        address("cac:PostalAddress", party.address),
        *(_tax_scheme(each) for each in party.tax_ids),
        group("cac:PartyLegalEntity", *(_identifier("cbc:CompanyID", each) for each in legal)),
    )


def turkish_party(name: str, party: Party | None) -> str:
    """A party of UBL-TR: a company has a name, a person first and family name."""
    if party is None:
        return ""
    return group(
        name,
        *(_identification(each) for each in (*party.tax_ids, *party.ids)),
        group("cac:PartyName", element("cbc:Name", party.name)),
        address("cac:PostalAddress", party.address),
        group("cac:PartyTaxScheme", group("cac:TaxScheme", element("cbc:Name", party.tax_office))),
        _contact(party.contact),
        group(
            "cac:Person",
            element("cbc:FirstName", party.first_name),
            element("cbc:FamilyName", party.family_name),
        ),
    )


def address(name: str, of: Address | None) -> str:
    """An address; only UBL-TR has buildings, districts and names of countries."""
    if of is None:
        return ""
    is_turkish = of.country_name is not None
    return group(
        name,
        element("cbc:StreetName", of.street),
        element("cbc:BuildingName" if is_turkish else "cbc:AdditionalStreetName", of.additional),
        element("cbc:BuildingNumber", of.building),
        element("cbc:CitySubdivisionName", of.district),
        element("cbc:CityName", of.city),
        element("cbc:PostalZone", of.postcode),
        element("cbc:Region" if is_turkish else "cbc:CountrySubentity", of.region),
        group(
            "cac:Country",
            element("cbc:IdentificationCode", of.country),
            element("cbc:Name", of.country_name),
        ),
    )


def delivery(of: Delivery | None, *, is_turkish: bool) -> str:
    """Where and when the goods were delivered."""
    if of is None:
        return ""
    party = of.party or Party()
    date = element("cbc:ActualDeliveryDate", of.date)
    if is_turkish:
        place = address("cac:DeliveryAddress", party.address)
        receiver = turkish_party("cac:DeliveryParty", party) if party.name else ""
    else:
        number = "".join(_identifier("cbc:ID", each) for each in party.ids[:1])
        place = group("cac:DeliveryLocation", number, address("cac:Address", party.address))
        receiver = group("cac:DeliveryParty", group("cac:PartyName", element("cbc:Name", party.name)))
    return group("cac:Delivery", date, place, receiver)


def _identification(of: Identifier) -> str:
    return group("cac:PartyIdentification", _identifier("cbc:ID", of))


def _identifier(name: str, of: Identifier | None) -> str:
    return element(name, of.value, schemeID=of.scheme) if of is not None else ""


def _tax_scheme(of: Identifier) -> str:
    return group(
        "cac:PartyTaxScheme",
        element("cbc:CompanyID", of.value),
        group("cac:TaxScheme", element("cbc:ID", of.scheme)),
    )


def _contact(of: Contact | None) -> str:
    if of is None:
        return ""
    return group(
        "cac:Contact",
        element("cbc:Name", of.name),
        element("cbc:Telephone", of.phone),
        element("cbc:ElectronicMail", of.email),
    )
