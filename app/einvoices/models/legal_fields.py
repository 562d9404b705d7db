"""Columns of e-invoices, their items and sellers that legal formats need; all are empty until a profile needs them."""

from __future__ import annotations

import uuid as uuids
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Integer, Numeric, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column


class TaxRule(StrEnum):
    """How a seller computes taxes: once for each rate, or for each item as GST wants it (CGST = SGST)."""

    PER_RATE = "per_rate"
    GST_ITEM = "gst_item"


#: VAT categories of EN 16931: standard, zero, exempt, reverse charge, within the community, export, not subject,
#: Canary Islands, Ceuta and Melilla.
VAT_CATEGORIES = ("S", "Z", "E", "AE", "K", "G", "O", "L", "M")
#: Those with a rate above zero.
TAXED_CATEGORIES = frozenset({"S", "L", "M"})

#: Facts of an e-invoice in ``legal``, of its buyer in ``buyer_legal``, and of a seller in ``legal``.
DOCUMENT_FACTS = (
    *("payment_terms", "tax_point_date", "period", "buyer_reference", "references", "delivery", "payment"),
    *("tax_currency", "exchange_rate", "exchange_date", "exchange_source", "allowances"),
    *("scenario", "local_type", "supply_type", "reverse_charge"),
)
PARTY_FACTS = ("trade_name", "first_name", "family_name", "ids", "endpoint", "postal_address", "contact_name")
BUYER_FACTS = ("tax_scheme", *PARTY_FACTS, "place_of_supply")
SELLER_FACTS = (*PARTY_FACTS, "payment")
#: Columns of an e-invoice that a request sets.
DOCUMENT_COLUMNS = ("due_date", "prepaid_amount", "rounding_amount")


def optional_amount() -> Mapped[Decimal | None]:
    """An amount that may be missing."""
    return mapped_column(Numeric(18, 3))


def _facts() -> Mapped[Any]:
    """A JSON value that is null where nothing is said."""
    return mapped_column(JSON(none_as_null=True))


class LegalHeader:
    """Of an e-invoice. The keys of ``legal`` and ``buyer_legal`` are the names of the API."""

    #: The number on legal documents where ``invoice_no`` has another form than the law wants; of the same series row.
    official_no: Mapped[str | None] = mapped_column(String(50))
    uuid: Mapped[uuids.UUID | None] = mapped_column(Uuid)
    due_date: Mapped[date | None]
    prepaid_amount: Mapped[Decimal | None] = optional_amount()
    rounding_amount: Mapped[Decimal | None] = optional_amount()
    #: VAT that the buyer pays to the tax office instead of the seller.
    withholding_total: Mapped[Decimal | None] = optional_amount()
    #: Set at issue; see ``amount_due``.
    payable: Mapped[Decimal | None] = optional_amount()
    #: How the taxes of the items were computed; null is ``per_rate``.
    tax_rule: Mapped[str | None] = mapped_column(String(20))
    #: Of ``gst_item``: whether the supply goes to another state.
    is_interstate: Mapped[bool | None]
    #: Hash of the canonical form that was stored at the issue.
    canonical_sha256: Mapped[str | None] = mapped_column(String(64))
    legal: Mapped[dict[str, Any] | None] = _facts()
    buyer_legal: Mapped[dict[str, Any] | None] = _facts()

    grand_total: Mapped[Decimal]

    @property
    def amount_due(self) -> Decimal:
        """What the buyer has to pay: the total less withholding and prepaid amount, plus the rounding."""
        zero = Decimal(0)
        less = (self.withholding_total or zero) + (self.prepaid_amount or zero)
        return self.grand_total - less + (self.rounding_amount or zero)

    @property
    def allowances(self) -> list[dict[str, Any]]:
        """Allowances and charges of the whole document."""
        return list((self.legal or {}).get("allowances", ()))

    @property
    def allowance_total(self) -> Decimal:
        return sum((each["amount"] for each in self.allowances if not each["is_charge"]), Decimal(0))

    @property
    def charge_total(self) -> Decimal:
        return sum((each["amount"] for each in self.allowances if each["is_charge"]), Decimal(0))


class LegalItem:
    """Of an item."""

    #: Code of UN/ECE Recommendation 20 or 21; ``app/formats/unit_codes.py`` maps it to each format.
    unit: Mapped[str | None] = mapped_column(String(10))
    vat_category: Mapped[str | None] = mapped_column(String(2))
    exemption_code: Mapped[str | None] = mapped_column(String(40))
    exemption_reason: Mapped[str | None] = mapped_column(String(300))
    withholding_code: Mapped[str | None] = mapped_column(String(10))
    withholding_rate: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    withheld_amount: Mapped[Decimal | None] = optional_amount()
    hsn: Mapped[str | None] = mapped_column(String(8))
    is_service: Mapped[bool | None]
    gtin: Mapped[str | None] = mapped_column(String(14))
    batch: Mapped[str | None] = mapped_column(String(100))
    expiry: Mapped[date | None]
    serials: Mapped[list[str] | None] = _facts()
    discount_reason: Mapped[str | None] = mapped_column(String(200))
    discount_reason_code: Mapped[str | None] = mapped_column(String(10))
    origin_country: Mapped[str | None] = mapped_column(String(2))
    buyer_item_code: Mapped[str | None] = mapped_column(String(100))
    description: Mapped[str | None] = mapped_column(String(1000))
    order_line: Mapped[str | None] = mapped_column(String(50))


#: Columns of an item that a request sets; ``withheld_amount`` is computed.
ITEM_FACTS = tuple(name for name in LegalItem.__annotations__ if name != "withheld_amount")


class LegalSeller:
    """Of a seller."""

    tax_scheme: Mapped[str | None] = mapped_column(String(10))
    tax_rule: Mapped[str] = mapped_column(String(20), nullable=False, default="per_rate", server_default="per_rate")
    #: Profiles that each issue must be ready for.
    legal_profiles: Mapped[list[str] | None] = _facts()
    #: Days from the issue until the payment is due.
    payment_days: Mapped[int | None] = mapped_column(Integer)
    #: Parts of the address, further numbers, electronic address, bank account: the keys are the names of the API.
    legal: Mapped[dict[str, Any] | None] = _facts()
