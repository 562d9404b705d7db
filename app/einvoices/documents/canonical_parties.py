"""Parties of the canonical form: from the row of an e-invoice, and from the seller that was stored with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.einvoices.models.einvoices import Einvoice
from app.formats.canonical import Address, Contact, Delivery, Identifier, Party, Payment
from app.formats.tax_numbers import TaxScheme, compact, scheme_of, vat_number

#: UNTDID 4461: a transfer to an account.
_TRANSFER = "30"
_NAMES = {TaxScheme.VKN: "VKN", TaxScheme.TCKN: "TCKN", TaxScheme.GSTIN: "GSTIN", TaxScheme.VAT: "VAT"}
_ADDRESS = ("street", "additional", "building", "district", "city", "postcode", "region", "country")


def seller_party(seller: Mapping[str, Any]) -> Party:
    """The seller as it was stored at the issue; in rows of earlier releases it has no parts."""
    facts = seller.get("legal") or {}
    country = (facts.get("postal_address") or {}).get("country") or facts.get("country")
    return Party(
        name=seller["name"] or None,
        trade_name=facts.get("trade_name"),
        first_name=facts.get("first_name"),
        family_name=facts.get("family_name"),
        tax_ids=_tax_ids(seller.get("tax_id", ""), facts.get("tax_scheme"), country),
        ids=_ids(facts),
        tax_office=seller.get("tax_office") or None,
        endpoint=_endpoint(facts),
        address=_address(facts, seller.get("address", ""), country),
        contact=_contact(facts.get("contact_name"), seller.get("phone", ""), seller.get("email", "")),
    )


def buyer_party(einvoice: Einvoice) -> Party:
    """The buyer."""
    facts = einvoice.buyer_legal or {}
    country = (facts.get("postal_address") or {}).get("country")
    return Party(
        name=einvoice.buyer_name or None,
        trade_name=facts.get("trade_name"),
        first_name=facts.get("first_name"),
        family_name=facts.get("family_name"),
        tax_ids=_tax_ids(einvoice.buyer_tax_id, facts.get("tax_scheme"), country),
        ids=_ids(facts),
        tax_office=einvoice.buyer_tax_office or None,
        endpoint=_endpoint(facts),
        address=_address(facts, einvoice.buyer_address, country),
        contact=_contact(facts.get("contact_name"), einvoice.buyer_phone, einvoice.buyer_email),
        place_of_supply=facts.get("place_of_supply"),
    )


def delivery_of(einvoice: Einvoice) -> Delivery | None:
    """When and where the goods were delivered; the printed delivery address is a street without further parts."""
    facts = (einvoice.legal or {}).get("delivery") or {}
    address = _address(facts, einvoice.buyer_shipping_address, None)
    if not facts and address is None:
        return None
    party = Party(name=facts.get("name"), address=address) if facts.get("name") or address else None
    return Delivery(date=facts.get("date"), party=party)


def payments_of(einvoice: Einvoice, seller: Mapping[str, Any]) -> tuple[Payment, ...]:
    """How the buyer pays: as the e-invoice says, else to the bank account of the seller."""
    own = (einvoice.legal or {}).get("payment")
    facts = own or (seller.get("legal") or {}).get("payment")
    if not facts:
        return ()
    means = facts.get("means") or (_TRANSFER if facts.get("iban") else None)
    iban = compact(facts["iban"]) if facts.get("iban") else None
    others = {name: facts.get(name) for name in ("bic", "holder", "reference")}
    return (Payment(means=means, iban=iban, **others),)


def _tax_ids(text: str, scheme: str | None, country: str | None) -> tuple[Identifier, ...]:
    """The tax number with its scheme; next to it the VAT number, where that is another one."""
    number = compact(text)
    if not number:
        return ()
    known = scheme or scheme_of(text, country)
    if known is None:
        return (Identifier(value=number),)
    vat = vat_number(known, text, country)
    own = Identifier(value=number, scheme=_NAMES.get(TaxScheme(known)))
    return (own,) if vat in {None, number} else (own, Identifier(value=vat or "", scheme="VAT"))


def _ids(facts: Mapping[str, Any]) -> tuple[Identifier, ...]:
    return tuple(Identifier(value=each["value"], scheme=each.get("scheme") or None) for each in facts.get("ids") or ())


def _endpoint(facts: Mapping[str, Any]) -> Identifier | None:
    endpoint = facts.get("endpoint")
    return Identifier(value=endpoint["value"], scheme=endpoint["scheme"]) if endpoint else None


def _address(facts: Mapping[str, Any], printed: str, country: str | None) -> Address | None:
    """The address in parts; without them the printed text, whose lines are one street."""
    parts = {name: value for name in _ADDRESS if (value := (facts.get("postal_address") or {}).get(name))}
    if not parts:
        parts = {"street": ", ".join(filter(None, map(str.strip, printed.splitlines())))} if printed.strip() else {}
    if country:
        parts.setdefault("country", country)
    return Address(**parts) if parts else None


def _contact(name: str | None, phone: str, email: str) -> Contact | None:
    return Contact(name=name, phone=phone or None, email=email or None) if name or phone or email else None
