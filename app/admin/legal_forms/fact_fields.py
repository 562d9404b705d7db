"""Facts for legal formats on the page of a draft: their labels in groups, and the way to the data of the API and back.

A name is the path of the API with ``-``: ``buyer-postal_address-city``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext
from flask_babel.speaklater import LazyString

from app.admin.forms.number_input import read_number, typed_number
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.einvoices.models.legal_fields import DOCUMENT_COLUMNS, VAT_CATEGORIES
from app.einvoices.schemas.legal_facts import SUPPLY_TYPES
from app.formats.code_lists import gib_codes
from app.formats.tax_numbers import TaxScheme
from app.rules.profiles import LegalProfile

#: Kinds of inputs.
TEXT, DATE, NUMBER, CHOICE, LIST = "text", "date", "number", "choice", "list"
_YES_NO = ("true", "false")


@dataclass(frozen=True, slots=True)
class Fact:
    """An input: the name, the label, the kind, the codes to choose from, and the longest text."""

    name: str
    label: LazyString
    kind: str = TEXT
    choices: Sequence[str] = ()
    limit: int = 300


@dataclass(frozen=True, slots=True)
class Group:
    """Inputs under a title; it is open where one of its profiles is chosen."""

    id: str
    title: LazyString
    facts: Sequence[Fact]
    profiles: frozenset[str] = frozenset(LegalProfile)


_ADDRESS = (
    ("street", lazy_gettext("Street")),
    ("building", lazy_gettext("Building number")),
    ("additional", lazy_gettext("Additional line")),
    ("district", lazy_gettext("District")),
    ("city", lazy_gettext("City")),
    ("postcode", lazy_gettext("Postcode")),
    ("region", lazy_gettext("State or province")),
    ("country", lazy_gettext("Country (two letters)")),
)


def address_facts(prefix: str) -> tuple[Fact, ...]:
    """Inputs of an address in parts."""
    return tuple(Fact(f"{prefix}-{name}", label) for name, label in _ADDRESS)


BUYER = Group(
    "buyer-facts",
    lazy_gettext("Buyer in legal documents"),
    (
        Fact("buyer-tax_scheme", lazy_gettext("Kind of tax number"), CHOICE, tuple(TaxScheme)),
        Fact("buyer-trade_name", lazy_gettext("Trade name")),
        Fact("buyer-first_name", lazy_gettext("First name"), limit=100),
        Fact("buyer-family_name", lazy_gettext("Family name"), limit=100),
        Fact("buyer-contact_name", lazy_gettext("Contact person"), limit=200),
        Fact("buyer-endpoint-scheme", lazy_gettext("Scheme of the electronic address"), limit=10),
        Fact("buyer-endpoint-value", lazy_gettext("Electronic address"), limit=100),
        *address_facts("buyer-postal_address"),
    ),
)
DOCUMENT_GROUPS = (
    Group(
        "terms",
        lazy_gettext("Payment, delivery and references"),
        (
            Fact("due_date", lazy_gettext("Due date"), DATE),
            Fact("payment_terms", lazy_gettext("Terms of payment"), limit=500),
            Fact("buyer_reference", lazy_gettext("Reference of the buyer"), limit=100),
            Fact("payment-means", lazy_gettext("Means of payment (code)"), limit=3),
            Fact("payment-iban", lazy_gettext("IBAN"), limit=50),
            Fact("payment-holder", lazy_gettext("Account holder"), limit=200),
            Fact("prepaid_amount", lazy_gettext("Paid already"), NUMBER),
            Fact("rounding_amount", lazy_gettext("Rounding"), NUMBER),
            Fact("exchange_rate", lazy_gettext("Exchange rate"), NUMBER),
            Fact("exchange_date", lazy_gettext("Day of the exchange rate"), DATE),
            Fact("delivery-date", lazy_gettext("Day of delivery"), DATE),
            Fact("delivery-name", lazy_gettext("Delivered to")),
            *address_facts("delivery-postal_address"),
        ),
    ),
    Group(
        "turkish",
        lazy_gettext("Türkiye (UBL-TR)"),
        (
            Fact(
                "scenario",
                lazy_gettext("Scenario"),
                CHOICE,
                sorted(gib_codes("ProfileIDType") | gib_codes("ProfileIDTypeEarchive")),
            ),
            Fact("local_type", lazy_gettext("Invoice type"), CHOICE, sorted(gib_codes("InvoiceTypeCodeList"))),
        ),
        frozenset({LegalProfile.UBL_TR}),
    ),
    Group(
        "indian",
        lazy_gettext("India (INV-01)"),
        (
            Fact("buyer-place_of_supply", lazy_gettext("Place of supply (code of the state)"), limit=2),
            Fact("supply_type", lazy_gettext("Kind of supply"), CHOICE, SUPPLY_TYPES),
            Fact("reverse_charge", lazy_gettext("The buyer pays the tax"), CHOICE, _YES_NO),
        ),
        frozenset({LegalProfile.INV01}),
    ),
)
GROUPS = (BUYER, *DOCUMENT_GROUPS)
ITEM = (
    Fact("unit", lazy_gettext("Unit (code)"), limit=10),
    Fact("vat_category", lazy_gettext("VAT category"), CHOICE, VAT_CATEGORIES),
    Fact("exemption_code", lazy_gettext("Exemption (code)"), limit=40),
    Fact("exemption_reason", lazy_gettext("Reason of the exemption")),
    Fact("withholding_code", lazy_gettext("Withholding (code)"), limit=10),
    Fact("withholding_rate", lazy_gettext("Withholding, percent"), NUMBER),
    Fact("hsn", lazy_gettext("HSN code"), limit=8),
    Fact("is_service", lazy_gettext("Service"), CHOICE, _YES_NO),
    Fact("gtin", lazy_gettext("GTIN"), limit=14),
    Fact("batch", lazy_gettext("Batch"), limit=100),
    Fact("expiry", lazy_gettext("Expiry date"), DATE),
    Fact("serials", lazy_gettext("Serial numbers, separated by commas"), LIST, limit=2000),
    Fact("discount_reason", lazy_gettext("Reason of the discount"), limit=200),
    Fact("discount_reason_code", lazy_gettext("Reason of the discount (code)"), limit=10),
    Fact("origin_country", lazy_gettext("Country of origin (two letters)"), limit=2),
    Fact("buyer_item_code", lazy_gettext("Item code of the buyer"), limit=100),
    Fact("description", lazy_gettext("Description"), limit=1000),
    Fact("order_line", lazy_gettext("Line of the order"), limit=50),
)


def typed_facts(facts: Iterable[Fact], values: Mapping[str, str]) -> dict[str, Any]:
    """The data of the API for the inputs that the form has; a blank input removes its fact."""
    data: dict[str, Any] = {}
    for fact in facts:
        if fact.name not in values:
            continue
        *steps, last = fact.name.split("-")
        node = data
        for step in steps:
            node = node.setdefault(step, {})
        node[last] = _value(fact, values[fact.name].strip())
    return {name: _without_blanks(value, is_party=name == "buyer") for name, value in data.items()}


def stored_facts(einvoice: Einvoice) -> dict[str, str]:
    """The inputs of a draft as it is stored."""
    source: dict[str, Any] = {**(einvoice.legal or {}), "buyer": einvoice.buyer_legal or {}}
    source |= {name: getattr(einvoice, name) for name in DOCUMENT_COLUMNS}
    return {fact.name: _typed(_find(source, fact.name)) for group in GROUPS for fact in group.facts}


def stored_item_facts(item: EinvoiceItem) -> dict[str, str]:
    """The inputs of a line as it is stored."""
    return {fact.name: _typed(getattr(item, fact.name)) for fact in ITEM}


def _value(fact: Fact, text: str) -> Any:
    if fact.kind == LIST:
        return [part.strip() for part in text.split(",") if part.strip()]
    if not text:
        return None
    if fact.choices == _YES_NO:
        return text == "true"
    return _number(text) if fact.kind == NUMBER else text


def _number(text: str) -> Any:
    """A number with an optional minus sign."""
    if text[0] not in "-−":
        return read_number(text)
    number = read_number(text[1:])
    return -number if isinstance(number, Decimal) else number


def _without_blanks(value: Any, *, is_party: bool = False) -> Any:
    """Objects without their blank parts; null for an object of blanks. A party keeps null, which removes a fact."""
    if not isinstance(value, dict):
        return value
    parts = {name: _without_blanks(part) for name, part in value.items()}
    if is_party:
        return parts
    return {name: part for name, part in parts.items() if part is not None} or None


def _find(source: Mapping[str, Any], name: str) -> Any:
    value: Any = source
    for step in name.split("-"):
        value = value.get(step) if isinstance(value, Mapping) else None
    return value


def _typed(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value) if isinstance(value, str) or hasattr(value, "isoformat") else typed_number(value)
