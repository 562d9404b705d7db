"""Parties of an invoice as UBL-TR has them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from babel import Locale
from stdnum.tr import tckimlik, vkn

from app.formats.canonical import Address, Contact, Identifier, Invoice, Party
from app.formats.targets.not_writable import Problem
from app.kernel.messages import N_

#: Who is unknown in Türkiye, and who lives abroad.
_UNKNOWN, _FOREIGNER = Identifier(value="11111111111", scheme="TCKN"), Identifier(value="2222222222", scheme="VKN")
_COMPANY, _PERSON = "VKN", "TCKN"
_HOME = "TR"
#: Schemes of GİB for other numbers of a party.
_SCHEMES = frozenset(
    {"MERSISNO", "TICARETSICILNO", "SUBENO", "MUSTERINO", "HIZMETNO", "TESISATNO", "ABONENO", "PASAPORTNO", "BAYINO"}
)


def turkish_party(party: Party, *, is_buyer: bool = False) -> Party:
    """The party with its number: a company has a name, a person a first and a family name."""
    number = tax_number(party, is_buyer=is_buyer)
    is_person = number is not None and number.scheme == _PERSON
    first, family = _names(party) if is_person else (None, None)
    return Party(
        name=None if is_person else party.name,
        first_name=first,
        family_name=family,
        tax_ids=(number,) if number else (),
        ids=tuple(each for each in party.ids if each.scheme in _SCHEMES),
        tax_office=party.tax_office,
        address=turkish_address(party.address),
        contact=party.contact if party.contact != Contact() else None,
    )


def tax_number(party: Party, *, is_buyer: bool = False) -> Identifier | None:
    """VKN or TCKN. A buyer without one is an unknown person, or a foreign company."""
    for each in party.tax_ids:
        if each.scheme in {_COMPANY, _PERSON}:
            return each
        value = each.value.removeprefix(_HOME)
        if value.isdecimal() and (vkn.is_valid(value) or tckimlik.is_valid(value)):
            return Identifier(value=value, scheme=_COMPANY if vkn.is_valid(value) else _PERSON)
    if not is_buyer:
        return None
    country = party.address.country if party.address else None
    return _FOREIGNER if country not in {None, _HOME} else _UNKNOWN


def turkish_address(address: Address | None) -> Address | None:
    """The address with the name of its country."""
    if address is None or address == Address():
        return None
    return Address(
        street=address.street,
        additional=address.additional,
        building=address.building,
        district=address.district,
        city=address.city,
        postcode=address.postcode,
        region=address.region,
        country=address.country,
        country_name=address.country_name or _country_name(address.country),
    )


def party_problems(source: Invoice) -> Iterator[Problem]:
    """What GİB does not take: a seller without a number, a person without two names, an address without its parts."""
    for name, party in (("seller", source.seller), ("buyer", source.buyer)):
        number = tax_number(party, is_buyer=name == "buyer")
        if number is None:
            yield Problem(f"{name}.tax_ids", N_("Name the VKN or the TCKN of the seller."))
        elif number.scheme == _PERSON and None in _names(party):
            yield Problem(f"{name}.family_name", N_("Name the first and the family name of the person."))
        address = turkish_address(party.address) or Address()
        for part in ("district", "city", "country_name"):
            if getattr(address, part) is None:
                field = part.removesuffix("_name")  # the name follows from the code
                yield Problem(f"{name}.address.{field}", N_("The format needs district, city and country."))


def _names(party: Party) -> tuple[str | None, str | None]:
    if party.first_name and party.family_name:
        return party.first_name, party.family_name
    first, _, family = (party.name or "").strip().rpartition(" ")
    return first.strip() or None, family or None


@cache
def _country_name(code: str | None) -> str | None:
    """The name of a country in Turkish."""
    return Locale("tr").territories.get(code or "")
