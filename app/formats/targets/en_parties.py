"""Parties of an invoice as EN 16931 has them."""

from __future__ import annotations

from dataclasses import replace

from app.formats.canonical import Address, Contact, Delivery, Format, Identifier, Party

#: Tax numbers of taxpayers, and the country whose code goes before them as a VAT number.
_COUNTRIES = {"VKN": "TR", "TCKN": "TR", "GSTIN": "IN"}
#: Numbers that stand for an unknown buyer.
_NOBODY = frozenset({"11111111111", "2222222222", "URP"})
#: Greece writes another code than that of ISO 3166.
_PREFIXES = {"GR": "EL"}
_PREFIX_LENGTH = 2
#: What a tax number that is no VAT number is called.
_OTHER = {Format.UBL: "TAX", Format.CII: "FC"}
_ICD_LENGTH = 4
_EMAIL = "EM"


def seller_of(party: Party, format: Format) -> Party:  # noqa: A002 - the field's word
    """The seller, with one VAT number and one other tax number at most."""
    vat = vat_number(party)
    others = [each for each in party.tax_ids if each.scheme not in {"VAT", *_COUNTRIES}]
    other = [Identifier(value=each.value, scheme=_OTHER[format]) for each in others[:1]]
    return replace(_party(party, format), tax_ids=(*([vat] if vat else []), *other))


def buyer_of(party: Party, format: Format) -> Party:  # noqa: A002
    """The buyer, with one number, one registration and a VAT number at most."""
    vat = vat_number(party)
    buyer = _party(party, format)
    ids = buyer.ids if len(buyer.ids) <= _PREFIX_LENGTH else (buyer.ids[0], buyer.ids[-1])
    return replace(buyer, ids=ids, tax_ids=(vat,) if vat else ())


def payee_of(party: Party | None, format: Format) -> Party | None:  # noqa: A002
    """The payee: a name and numbers."""
    if party is None or not _name(party):
        return None
    return Party(name=_name(party), ids=_ids(party, format)[-_PREFIX_LENGTH:])


def fiscal_agent_of(party: Party | None) -> Party | None:
    """The tax representative of the seller."""
    if party is None or not _name(party):
        return None
    vat = vat_number(party)
    return Party(name=_name(party), tax_ids=(vat,) if vat else (), address=address_of(party.address))


def delivery_of(delivery: Delivery | None) -> Delivery | None:
    """Where and when the goods were delivered."""
    if delivery is None:
        return None
    party = delivery.party
    if party is not None:
        number = tuple(Identifier(value=each.value, scheme=_icd(each.scheme)) for each in party.ids[:1])
        party = Party(name=_name(party), address=address_of(party.address), ids=number)
    known = party if party is not None and party != Party() else None
    return Delivery(date=delivery.date, party=known) if delivery.date or known else None


def address_of(address: Address | None) -> Address | None:
    """Street with number, and the district in the second line."""
    if address is None:
        return None
    form = Address(
        street=_joined(" ", address.street, address.building),
        additional=_joined(", ", address.additional, address.district),
        city=address.city,
        postcode=address.postcode,
        region=address.region,
        country=address.country,
    )
    return form if form != Address() else None


def _party(party: Party, format: Format) -> Party:  # noqa: A002
    contact = party.contact if party.contact != Contact() else None
    return Party(
        name=_name(party),
        trade_name=party.trade_name,
        ids=_ids(party, format),
        endpoint=endpoint_of(party),
        address=address_of(party.address),
        contact=contact,
    )


def _name(party: Party) -> str | None:
    return party.name or _joined(" ", party.first_name, party.family_name)


def vat_number(party: Party) -> Identifier | None:
    """The first VAT number, with the code of its country."""
    for each in party.tax_ids:
        if each.value in _NOBODY or (each.scheme != "VAT" and each.scheme not in _COUNTRIES):
            continue
        country = _COUNTRIES.get(each.scheme or "") or (party.address.country if party.address else None) or ""
        has_prefix = each.value[:_PREFIX_LENGTH].isalpha()
        prefix = "" if has_prefix else _PREFIXES.get(country, country)
        return Identifier(value=f"{prefix}{each.value}", scheme="VAT")
    return None


def _ids(party: Party, format: Format) -> tuple[Identifier, ...]:  # noqa: A002
    """Numbers with a scheme of ISO 6523 or none. The last one is the legal registration; CII writes bare ones first."""
    known = [Identifier(value=each.value, scheme=_icd(each.scheme)) for each in party.ids]
    if format is Format.CII:
        known[:-1] = sorted(known[:-1], key=lambda each: each.scheme is not None)
    return tuple(known)


def endpoint_of(party: Party) -> Identifier | None:
    """An electronic address of Peppol's list; an alias of Türkiye is none."""
    endpoint = party.endpoint
    if endpoint is None or not endpoint.value.strip() or not (_icd(endpoint.scheme) or endpoint.scheme == _EMAIL):
        return None
    return endpoint


def _icd(scheme: str | None) -> str | None:
    return scheme if scheme is not None and len(scheme) == _ICD_LENGTH and scheme.isdecimal() else None


def _joined(separator: str, *parts: str | None) -> str | None:
    return separator.join(part for part in parts if part) or None
