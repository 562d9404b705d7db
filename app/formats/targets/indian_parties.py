"""Parties of an invoice as INV-01 has them."""

from __future__ import annotations

from collections.abc import Iterator

from app.formats.canonical import Address, Contact, Identifier, Invoice, Party
from app.formats.targets.not_writable import Problem
from app.kernel.messages import N_

_GSTIN = "GSTIN"
_GSTIN_LENGTH = 15
#: A buyer without a registration, and the state and the postcode of one abroad.
_UNREGISTERED, _ABROAD, _NO_POSTCODE = "URP", "96", "999999"
_DOMESTIC = "B2B"
_HOME = "IN"
_LONGEST_NAME, _LONGEST_PLACE = 100, 50
_PHONE = range(6, 13)


def indian_party(party: Party, *, place_of_supply: str | None = None) -> Party:
    """The party with its GSTIN, the code of its state and a postcode of six digits."""
    number = gstin(party)
    is_abroad = is_foreign(party)
    address = party.address or Address()
    contact = party.contact or Contact()
    digits = "".join(filter(str.isdigit, contact.phone or ""))
    return Party(
        name=_cut(party.name or _joined(" ", party.first_name, party.family_name), _LONGEST_NAME),
        trade_name=_cut(party.trade_name, _LONGEST_NAME),
        tax_ids=(Identifier(value=number or _UNREGISTERED, scheme=_GSTIN),) if number or is_abroad else (),
        place_of_supply=_ABROAD if is_abroad and place_of_supply is not None else place_of_supply,
        address=Address(
            street=_cut(_joined(" ", address.street, address.building), _LONGEST_NAME),
            additional=_cut(_joined(", ", address.additional, address.district), _LONGEST_NAME),
            city=_cut(address.city, _LONGEST_PLACE),
            postcode=_NO_POSTCODE if is_abroad else address.postcode,
            region=state_of(party),
        ),
        contact=Contact(phone=digits if len(digits) in _PHONE else None, email=contact.email),
    )


def gstin(party: Party) -> str | None:
    """The GSTIN, which a VAT number of India has behind the code of the country."""
    for each in party.tax_ids:
        value = each.value.removeprefix(_HOME) if each.scheme == "VAT" else each.value
        if each.scheme in {_GSTIN, "VAT"} and len(value) == _GSTIN_LENGTH:
            return value
    return None


def state_of(party: Party) -> str | None:
    """The code of the state: the first two digits of the GSTIN, or the region of the address."""
    if is_foreign(party):
        return _ABROAD
    number = gstin(party)
    return number[:2] if number else (party.address.region if party.address else None)


def is_foreign(party: Party) -> bool:
    """Whether the address is outside of India."""
    return party.address is not None and party.address.country not in {None, _HOME}


def party_problems(source: Invoice, supply: str) -> Iterator[Problem]:
    """What the portals do not take."""
    if gstin(source.seller) is None:
        yield Problem("seller.tax_ids", N_("Name the GSTIN of the seller."))
    if supply == _DOMESTIC and gstin(source.buyer) is None:
        text = N_("Name the GSTIN of the buyer: sales to consumers are not registered as INV-01.")
        yield Problem("buyer.tax_ids", text)


def _cut(text: str | None, length: int) -> str | None:
    return text[:length] if text else None


def _joined(separator: str, *parts: str | None) -> str | None:
    return separator.join(part for part in parts if part) or None
