"""The canonical form of an invoice: what all legal formats say, as frozen data with exact decimals.

A value is ``None`` where the document does not have it. Dates and times are texts in ISO 8601; a date that cannot be
read is kept as written. Amounts are positive or negative as in the document: the type of a credit note has the sign.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum


class Format(StrEnum):
    """The syntax of a document."""

    UBL = "ubl"
    CII = "cii"
    UBL_TR = "ubl-tr"
    INV01 = "inv-01"
    #: The hub's own form of an e-invoice, which the documents in all formats are written from.
    HUB = "hub"


#: Formats of documents, as others send and receive them.
DOCUMENT_FORMATS = (Format.UBL, Format.CII, Format.UBL_TR, Format.INV01)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A number or code with the scheme that defines it: ``VKN``, ``GSTIN``, ``VAT``, ``0088``."""

    value: str
    scheme: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    street: str | None = None
    additional: str | None = None
    building: str | None = None
    district: str | None = None
    city: str | None = None
    postcode: str | None = None
    #: State or province; in India its code of two digits.
    region: str | None = None
    #: Two letters of ISO 3166-1.
    country: str | None = None
    country_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    name: str | None = None
    phone: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A seller, buyer, payee, tax representative or receiver of the goods."""

    name: str | None = None
    trade_name: str | None = None
    first_name: str | None = None
    family_name: str | None = None
    tax_ids: tuple[Identifier, ...] = ()
    #: Registrations and other numbers: BT-29, BT-30, MERSISNO.
    ids: tuple[Identifier, ...] = ()
    tax_office: str | None = None
    endpoint: Identifier | None = None
    address: Address | None = None
    contact: Contact | None = None
    #: INV-01: code of the state that decides between CGST + SGST and IGST.
    place_of_supply: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tax:
    """A tax of a line, an allowance, a charge or the document; a withholding has the same form."""

    #: ``VAT``, a code of GİB (``0071``, ``601``), or ``CGST``, ``SGST``, ``IGST``, ``CESS``, ``STATE_CESS``.
    type: str = "VAT"
    category: str | None = None
    #: Percent.
    rate: Decimal | None = None
    base: Decimal | None = None
    #: The parts of ``base`` (Factur-X EXTENDED): of the lines, and of allowances and charges with their sign.
    lines_base: Decimal | None = None
    allowances_base: Decimal | None = None
    amount: Decimal | None = None
    exemption_code: str | None = None
    exemption_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxTotal:
    """The sum of some taxes as the document states it, and its rows."""

    amount: Decimal | None = None
    currency: str | None = None
    rows: tuple[Tax, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowanceCharge:
    """An allowance (discount) or a charge of a line or of the document."""

    is_charge: bool = False
    amount: Decimal | None = None
    base: Decimal | None = None
    #: As the document writes it: UBL-TR writes a fraction (0.05), the others percent (5).
    percent: Decimal | None = None
    reason: str | None = None
    reason_code: str | None = None
    tax: Tax | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    net: Decimal | None = None
    #: The quantity that the price is for; 1 where it is missing.
    base_quantity: Decimal | None = None
    gross: Decimal | None = None
    discount: Decimal | None = None
    #: What the discount is computed from.
    discount_base: Decimal | None = None
    #: Where the document has several discounts and charges of a price; ``discount`` is their sum.
    discounts: tuple[AllowanceCharge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    name: str | None = None
    description: str | None = None
    seller_id: str | None = None
    buyer_id: str | None = None
    gtin: Identifier | None = None
    #: HSN, CN, CPV and so on; the scheme is the code of the list.
    classifications: tuple[Identifier, ...] = ()
    origin: str | None = None
    batch: str | None = None
    expiry: str | None = None
    #: Serial numbers and numbers of packs (``ILAC``).
    serials: tuple[Identifier, ...] = ()
    is_service: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    id: str | None = None
    note: str | None = None
    order_line: str | None = None
    quantity: Decimal | None = None
    unit: str | None = None
    price: Price = field(default_factory=Price)
    #: INV-01: quantity × price, before the discount.
    gross: Decimal | None = None
    net: Decimal | None = None
    #: INV-01: net plus all taxes and charges.
    total: Decimal | None = None
    allowances: tuple[AllowanceCharge, ...] = ()
    #: Charges less allowances of the line, where the document states the sum.
    allowance_total: Decimal | None = None
    #: The VAT category and rate of the line, without an amount (EN 16931).
    tax: Tax | None = None
    #: Taxes with amounts (UBL-TR, INV-01).
    taxes: tuple[TaxTotal, ...] = ()
    withholdings: tuple[TaxTotal, ...] = ()
    #: INV-01: charges that bear no tax.
    other_charges: Decimal | None = None
    item: Item = field(default_factory=Item)
    #: The id of the line that this one is a part of.
    parent: str | None = None
    #: A line that explains or groups others, or a part; totals do not count it.
    is_informative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Another document: ``order``, ``contract``, ``original``, ``despatch``, ``receipt``, ``project`` …"""

    kind: str
    id: str
    date: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    means: str | None = None
    iban: str | None = None
    bic: str | None = None
    holder: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    date: str | None = None
    party: Party | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """The totals of the document; the names of EN 16931 in the comments."""

    lines: Decimal | None = None  # BT-106
    allowances: Decimal | None = None  # BT-107
    charges: Decimal | None = None  # BT-108
    tax_exclusive: Decimal | None = None  # BT-109
    tax_inclusive: Decimal | None = None  # BT-112
    prepaid: Decimal | None = None  # BT-113
    #: Payments for others that the invoice collects: the sum of BT-DEX-002 in the extension of XRechnung.
    third_party: Decimal | None = None
    rounding: Decimal | None = None  # BT-114
    payable: Decimal | None = None  # BT-115
    #: INV-01: what is left of the payable amount after the prepaid one.
    due: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A value that cannot be read, and the path of its element in the document."""

    path: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    format: Format
    #: BT-24: specification, as ``urn:cen.eu:en16931:2017`` or ``TR1.2.1``.
    specification: str | None = None
    #: BT-23: business process; in Türkiye the scenario, as ``TEMELFATURA``.
    process: str | None = None
    number: str | None = None
    uuid: str | None = None
    #: BT-3 (``380``), GİB's type (``SATIS``) or INV-01's (``INV``).
    type: str | None = None
    is_credit_note: bool = False
    issue_date: str | None = None
    issue_time: str | None = None
    tax_point_date: str | None = None
    due_date: str | None = None
    payment_terms: str | None = None
    period: tuple[str | None, str | None] | None = None
    currency: str | None = None
    tax_currency: str | None = None
    #: Amount in the tax currency for one unit of the currency, its day, and who says so.
    exchange_rate: Decimal | None = None
    exchange_date: str | None = None
    exchange_source: str | None = None
    #: Of ``Format.HUB``: how taxes were computed, ``per_rate`` or ``gst_item``.
    tax_rule: str | None = None
    #: Of ``Format.HUB``: a type of GİB that does not follow from the content, as ``OZELMATRAH``.
    local_type: str | None = None
    #: Of ``Format.HUB``: the kind of supply in INV-01, as ``EXPWP``, and whether the buyer pays the tax.
    supply_type: str | None = None
    reverse_charge: bool | None = None
    buyer_reference: str | None = None
    notes: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
    seller: Party = field(default_factory=Party)
    buyer: Party = field(default_factory=Party)
    payee: Party | None = None
    tax_representative: Party | None = None
    delivery: Delivery | None = None
    payments: tuple[Payment, ...] = ()
    lines: tuple[Line, ...] = ()
    allowances: tuple[AllowanceCharge, ...] = ()
    taxes: tuple[TaxTotal, ...] = ()
    withholdings: tuple[TaxTotal, ...] = ()
    totals: Totals = field(default_factory=Totals)
    #: Values that the reader could not read; not part of the canonical bytes.
    faults: tuple[Fault, ...] = ()
