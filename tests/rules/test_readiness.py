"""Readiness: a complete invoice lacks nothing, and each fact that a profile needs is missed when it is taken away."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.formats.canonical import (
    Address,
    AllowanceCharge,
    Delivery,
    Format,
    Identifier,
    Invoice,
    Item,
    Line,
    Party,
    Payment,
    Price,
    Reference,
    Tax,
    TaxTotal,
    Totals,
)
from app.rules.findings import Severity
from app.rules.profiles import LegalProfile
from app.rules.readiness.profile_gaps import MOST, find_gaps

ADDRESS = Address(
    street="Sanayi Cad. 1", district="Nilüfer", city="Bursa", postcode="411001", region="27", country="TR"
)
SELLER = Party(
    name="Kumaş Ltd.",
    tax_ids=(Identifier(value="1234567890", scheme="VKN"), Identifier(value="TR1234567890", scheme="VAT")),
    endpoint=Identifier(value="1234567890", scheme="9952"),
    address=ADDRESS,
)
BUYER = replace(SELLER, name="Alıcı A.Ş.", address=replace(ADDRESS, district="Kadıköy", city="İstanbul"))
LINE = Line(
    id="1",
    quantity=Decimal(10),
    unit="MTR",
    price=Price(net=Decimal("10.00")),
    net=Decimal("100.00"),
    tax=Tax(category="S", rate=Decimal(20)),
    item=Item(name="Kumaş", classifications=(Identifier(value="5208", scheme="HSN"),), is_service=False, batch="B12"),
)
TOTALS = Totals(lines=Decimal(100), tax_exclusive=Decimal(100), tax_inclusive=Decimal(120), payable=Decimal(120))
INVOICE = Invoice(
    format=Format.HUB,
    number="ABC2026000000001",
    type="380",
    issue_date="2026-11-30",
    due_date="2026-12-30",
    currency="TRY",
    tax_rule="per_rate",
    references=(Reference(kind="order", id="PO-1"),),
    seller=SELLER,
    buyer=BUYER,
    payments=(Payment(means="30", iban="TR330006100519786457841326"),),
    lines=(LINE,),
    taxes=(TaxTotal(amount=Decimal(20), currency="TRY", rows=(replace(LINE.tax or Tax(), base=Decimal(100)),)),),
    totals=TOTALS,
)
INDIAN_SELLER = replace(
    SELLER, tax_ids=(Identifier(value="27AAPFU0939F1ZV", scheme="GSTIN"),), address=replace(ADDRESS, country="IN")
)
INDIAN = replace(
    INVOICE,
    number="ABC/26-27/1",
    currency="INR",
    tax_rule="gst_item",
    seller=INDIAN_SELLER,
    buyer=replace(
        INDIAN_SELLER,
        tax_ids=(Identifier(value="29AAGCB7383J1Z4", scheme="GSTIN"),),
        address=replace(ADDRESS, region="29", country="IN"),
        place_of_supply="29",
    ),
)
P = LegalProfile


def complete(profile: LegalProfile) -> Invoice:
    return INDIAN if profile is P.INV01 else INVOICE


def errors(invoice: Invoice, profile: LegalProfile) -> list[tuple[str, str | None]]:
    return [(each.rule, each.field) for each in find_gaps(invoice, profile) if each.severity is Severity.ERROR]


@pytest.mark.parametrize("profile", LegalProfile)
def test_a_complete_invoice_lacks_nothing(profile: LegalProfile) -> None:
    assert errors(complete(profile), profile) == []


def line(**facts: Any) -> dict[str, Any]:
    return {"lines": (replace(LINE, **facts),)}


def taxed(category: str | None, **facts: Any) -> dict[str, Any]:
    return line(tax=Tax(category=category, rate=Decimal(facts.pop("rate", 0)), **facts))


def without(party: Party, **facts: Any) -> Party:
    return replace(party, **facts)


@pytest.mark.parametrize(
    ("profile", "facts", "rule", "field"),
    [
        (P.EN16931, {"number": None}, "BR-02", "number"),
        (P.EN16931, {"due_date": None}, "BR-CO-25", "due_date"),
        (P.EN16931, {"lines": ()}, "BR-16", "lines"),
        (P.EN16931, {"seller": without(SELLER, tax_ids=())}, "BR-CO-26", "seller.tax_ids"),
        (P.EN16931, {"seller": without(SELLER, tax_ids=())}, "BR-S-02", "seller.tax_ids"),
        (P.EN16931, {"seller": without(SELLER, address=None)}, "BR-09", "seller.address.country"),
        (P.EN16931, {"buyer": without(BUYER, address=Address(city="X"))}, "BR-11", "buyer.address.country"),
        (P.EN16931, {"buyer": without(BUYER, name=None)}, "BR-07", "buyer.name"),
        (P.EN16931, line(unit=None), "BR-23", "lines[0].unit"),
        (P.EN16931, line(unit="ZZQ"), "BR-CL-23", "lines[0].unit"),
        (P.EN16931, line(item=Item()), "BR-25", "lines[0].item.name"),
        (P.EN16931, taxed(None), "BR-CO-04", "lines[0].tax.category"),
        (P.EN16931, taxed("E"), "BR-E-10", "lines[0].tax.exemption_reason"),
        (P.EN16931, taxed("K", exemption_reason="x"), "BR-IC-11", "delivery.date"),
        (P.EN16931, taxed("K", exemption_reason="x"), "BR-IC-12", "delivery.party.address.country"),
        (
            P.EN16931,
            taxed("AE", exemption_reason="x") | {"buyer": without(BUYER, tax_ids=())},
            "BR-AE-02",
            "buyer.tax_ids",
        ),
        (P.EN16931, taxed("O", exemption_reason="x"), "BR-O-02", "lines[0].tax.category"),
        (P.EN16931, taxed("E", exemption_code="VATEX-X"), "BR-CL-22", "lines[0].tax.exemption_code"),
        (P.EN16931, {"payments": (Payment(means="30"),)}, "BR-61", "payments[0].iban"),
        (P.EN16931, {"payments": (Payment(means="999"),)}, "BR-CL-16", "payments[0].means"),
        (P.EN16931, {"tax_currency": "EUR"}, "BR-53", "exchange_rate"),
        (P.EN16931, {"period": ("2026-02-01", "2026-01-01")}, "BR-29", "period"),
        (P.EN16931, {"is_credit_note": True}, "BR-55", "references"),
        (P.EN16931, {"totals": replace(TOTALS, payable=Decimal("120.001"))}, "BR-DEC-23", "totals.payable"),
        (
            P.EN16931,
            {"delivery": Delivery(party=Party(address=Address(city="Köln")))},
            "BR-57",
            "delivery.party.address.country",
        ),
        (P.PEPPOL, {"references": ()}, "PEPPOL-EN16931-R003", "buyer_reference"),
        (P.PEPPOL, {"buyer": without(BUYER, endpoint=None)}, "PEPPOL-EN16931-R010", "buyer.endpoint"),
        (P.PEPPOL, {"seller": without(SELLER, endpoint=None)}, "PEPPOL-EN16931-R020", "seller.endpoint"),
        (
            P.PEPPOL,
            {"seller": without(SELLER, endpoint=Identifier(value="1", scheme="alias"))},
            "BR-CL-25",
            "seller.endpoint",
        ),
        (
            P.PEPPOL,
            {"seller": without(SELLER, endpoint=Identifier(value="8690000000013", scheme="0088"))},
            "PEPPOL-COMMON-R040",
            "seller.endpoint",
        ),
        (P.PEPPOL, {"payments": (Payment(means="49"),)}, "PEPPOL-EN16931-R061", "payments[0].means"),
        (
            P.PEPPOL,
            taxed("E", exemption_code="VATEX-EU-G"),
            "PEPPOL-EN16931-P0104",
            "lines[0].tax.exemption_code",
        ),
        (P.FACTUR_X, {"due_date": None}, "BR-CO-25", "due_date"),
        (P.UBL_TR, {"number": "EA-2026-000001"}, "ID", "number"),
        (P.UBL_TR, {"seller": without(SELLER, tax_ids=())}, "PartyIdentification", "seller.tax_ids"),
        (
            P.UBL_TR,
            {"buyer": without(BUYER, tax_ids=(Identifier(value="1234567891", scheme="VKN"),))},
            "PartyIdentification",
            "buyer.tax_ids",
        ),
        (
            P.UBL_TR,
            {"buyer": without(BUYER, name="Ayşe", tax_ids=(Identifier(value="10000000146", scheme="TCKN"),))},
            "Person",
            "buyer.family_name",
        ),
        (
            P.UBL_TR,
            {"buyer": without(BUYER, address=replace(ADDRESS, district=None))},
            "PostalAddress",
            "buyer.address.district",
        ),
        (P.UBL_TR, {"currency": "EUR"}, "PricingExchangeRate", "exchange_rate"),
        (P.UBL_TR, {"is_credit_note": True}, "BillingReference", "references"),
        (P.UBL_TR, {"is_credit_note": True, "process": "TICARIFATURA"}, "ProfileID", "process"),
        (P.UBL_TR, line(unit="ZZQ"), "unitCode", "lines[0].unit"),
        (P.UBL_TR, taxed("E"), "TaxExemptionReasonCode", "lines[0].tax.exemption_code"),
        (P.UBL_TR, taxed("E", exemption_code="999"), "TaxExemptionReasonCode", "lines[0].tax.exemption_code"),
        (P.UBL_TR, taxed("E", exemption_code="301"), "TaxExemptionReason", "lines[0].tax.exemption_reason"),
        (P.UBL_TR, {"totals": replace(TOTALS, prepaid=Decimal(1))}, "PrepaidAmount", "totals.prepaid"),
        (P.INV01, {"tax_rule": "per_rate"}, "gst_item", "tax_rule"),
        (P.INV01, {"number": "0ABC"}, "No", "number"),
        (P.INV01, {"seller": without(INDIAN_SELLER, tax_ids=())}, "Gstin", "seller.tax_ids"),
        (P.INV01, {"buyer": without(INDIAN.buyer, tax_ids=())}, "Gstin", "buyer.tax_ids"),
        (
            P.INV01,
            {"seller": without(INDIAN_SELLER, address=replace(ADDRESS, country="IN", region="29"))},
            "Stcd",
            "seller.address.region",
        ),
        (
            P.INV01,
            {"seller": without(INDIAN_SELLER, address=replace(ADDRESS, country="IN", postcode="41100"))},
            "Pin",
            "seller.address.postcode",
        ),
        (P.INV01, {"currency": "EUR"}, "ExchRt", "exchange_rate"),
        (P.INV01, {"is_credit_note": True}, "PrecDocDtls", "references"),
        (P.INV01, {"allowances": (AllowanceCharge(is_charge=True),)}, "OthChrg", "allowances"),
        (P.INV01, line(item=Item(name="Kumaş")), "HsnCd", "lines[0].item.classifications"),
        (P.INV01, line(unit=None), "Unit", "lines[0].unit"),
        (P.INV01, line(quantity=Decimal("1.0001")), "Qty", "lines[0].quantity"),
        (P.INV01, line(item=replace(LINE.item, name="K")), "PrdDesc", "lines[0].item.name"),
        (P.INV01, line(item=replace(LINE.item, batch="B1")), "Nm", "lines[0].item.batch"),
        (P.INV01, line(item=replace(LINE.item, is_service=True)), "HsnCd", "lines[0].item.is_service"),
    ],
)
def test_each_need_is_missed(profile: LegalProfile, facts: dict[str, Any], rule: str, field: str) -> None:
    assert (rule, field) in errors(replace(complete(profile), **facts), profile)


def test_findings_have_terms_paths_and_hints() -> None:
    found = {each.rule: each for each in find_gaps(replace(INVOICE, **line(unit=None)), P.UBL_TR)}
    assert (found["unitCode"].terms, found["unitCode"].path) == (
        ("BT-130",),
        "cac:InvoiceLine[1]/cbc:InvoicedQuantity/@unitCode",
    )


def test_a_consumer_and_a_buyer_abroad_need_no_number() -> None:
    consumer = Identifier(value="11111111111", scheme="TCKN")
    assert errors(replace(INVOICE, buyer=without(BUYER, name="Ayşe Yılmaz", tax_ids=(consumer,))), P.UBL_TR) == []
    assert errors(replace(INVOICE, buyer=without(BUYER, tax_ids=())), P.UBL_TR) == []
    abroad = without(BUYER, tax_ids=(), address=replace(ADDRESS, country="US"))
    assert errors(replace(INDIAN, buyer=abroad, supply_type="EXPWP"), P.INV01) == []


@pytest.mark.parametrize("profile", LegalProfile)
def test_many_lines_give_a_bounded_answer_in_linear_time(profile: LegalProfile) -> None:
    bare = replace(complete(profile), lines=(Line(quantity=Decimal(1)),) * 1000)
    started = time.perf_counter()
    assert len(find_gaps(bare, profile)) == MOST
    assert time.perf_counter() - started < 5


def test_peppol_has_no_currency_without_a_minor_unit() -> None:
    for currency, expected in (("JPY", {"PEPPOL-EN16931-R120"}), ("HUF", set()), ("TRY", set())):
        found = find_gaps(replace(INVOICE, currency=currency), LegalProfile.PEPPOL)
        assert {each.rule for each in found if each.severity is Severity.ERROR} == expected


@pytest.mark.parametrize(
    ("originals", "is_ready"),
    [
        ([("ABC2026000000001", "2026-11-01")], True),
        ([("ABC2026000000001", "2026-11-01"), ("ABC2026000000002", "2026-11-02")], True),
        ([("ABC2026000000001", "2026-11-01"), ("X-1", None)], True),  # it becomes a note
        ([("ABC2026000000001", "2026-11-01"), ("X-1", "2026-11-02")], False),  # GİB reads each of them
        ([("ABC2026000000001", None)], False),
        ([], False),
    ],
)
def test_a_return_names_its_originals_as_gib_knows_them(
    originals: list[tuple[str, str | None]], is_ready: bool
) -> None:
    references = tuple(Reference(kind="original", id=number, date=date) for number, date in originals)
    form = replace(complete(LegalProfile.UBL_TR), type="381", is_credit_note=True, references=references)
    missed = [rule for rule, _ in errors(form, LegalProfile.UBL_TR) if rule == "BillingReference"]
    assert missed == ([] if is_ready else ["BillingReference"])
