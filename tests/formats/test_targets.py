"""What each format cannot say is refused by field; what it says in a way of its own."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.formats.canonical import (
    Address,
    AllowanceCharge,
    Format,
    Identifier,
    Invoice,
    Item,
    Party,
    Price,
    Tax,
    TaxTotal,
    Totals,
)
from app.formats.targets.not_writable import NotWritable
from app.formats.targets.scenarios import choose_scenario
from app.formats.writers.document_writer import form_of
from app.formats.writers.karekod import karekod
from tests.formats.hub_invoices import invoice

_ALIAS = Identifier(value="urn:mail:defaultpk@example.com.tr", scheme="alias")


def refused(source: Invoice, target: Format) -> list[str]:
    with pytest.raises(NotWritable) as refusal:
        form_of(source, target)
    return [each.field for each in refusal.value.problems]


def with_line(source: Invoice, **changes: Any) -> Invoice:
    return replace(source, lines=(replace(source.lines[0], **changes), *source.lines[1:]))


class TestRefusals:
    @pytest.mark.parametrize("target", [Format.UBL, Format.CII, Format.UBL_TR, Format.INV01])
    def test_three_decimals(self, target: Format) -> None:
        source = invoice(1, currency="INR")
        source = replace(source, totals=replace(source.totals, payable=Decimal("1.005")))
        assert "totals.payable" in refused(source, target)

    @pytest.mark.parametrize("target", [Format.UBL, Format.CII, Format.UBL_TR, Format.INV01])
    def test_other_taxes(self, target: Format) -> None:
        row = Tax(type="0071", rate=Decimal(10), base=Decimal(10), amount=Decimal(1))
        source = with_line(invoice(1, currency="INR"), taxes=(TaxTotal(amount=Decimal(1), rows=(row,)),))
        assert refused(source, target) == ["taxes"]

    def test_zero_percent_without_a_category(self) -> None:
        source = with_line(invoice(1), tax=Tax(rate=Decimal(0)))
        assert refused(source, Format.UBL) == ["lines[0].tax.category"]
        assert refused(source, Format.UBL_TR) == ["lines[0].tax.exemption_code"]

    def test_a_code_of_another_list(self) -> None:
        source = with_line(invoice(1), tax=Tax(category="G", rate=Decimal(0), exemption_code="VATEX-EU-G"))
        assert refused(source, Format.UBL_TR) == ["lines[0].tax.exemption_code"]

    def test_an_allowance_of_no_rate(self) -> None:
        source = replace(invoice(5), allowances=(AllowanceCharge(amount=Decimal(1)),))
        assert refused(source, Format.CII) == ["allowances[0].tax.category"]

    def test_of_gib(self) -> None:
        source = invoice(1, currency="EUR")
        assert refused(replace(source, exchange_rate=None), Format.UBL_TR) == ["exchange_rate"]
        assert refused(replace(source, exchange_rate=Decimal("1.1234567")), Format.UBL_TR) == ["exchange_rate"]
        assert refused(replace(invoice(1, kind="return"), references=()), Format.UBL_TR) == ["references"]
        assert refused(invoice(1, prepaid=True), Format.UBL_TR) == ["totals.prepaid"]
        seller = replace(source.seller, tax_ids=(), address=Address(city="Bursa", country="TR"))
        assert refused(replace(source, seller=seller), Format.UBL_TR) == ["seller.tax_ids", "seller.address.district"]
        buyer = replace(source.buyer, name="Ayşe", tax_ids=(Identifier(value="10000000146", scheme="TCKN"),))
        assert refused(replace(source, buyer=buyer), Format.UBL_TR) == ["buyer.family_name"]

    def test_india(self) -> None:
        source = invoice(1, currency="INR", rule="gst_item")
        nobody = replace(source.buyer, tax_ids=())
        assert refused(replace(source, buyer=nobody), Format.INV01) == ["buyer.tax_ids"]
        assert refused(replace(source, seller=nobody), Format.INV01) == ["seller.tax_ids"]
        assert refused(with_line(source, quantity=Decimal("1.0001")), Format.INV01) == ["lines[0].quantity"]
        charge = AllowanceCharge(is_charge=True, amount=Decimal(1), tax=source.lines[0].tax)
        assert refused(replace(source, allowances=(charge,)), Format.INV01) == ["allowances"]
        assert refused(with_line(source, allowances=(charge,)), Format.INV01) == ["lines[0].allowances"]
        assert refused(replace(source, currency="EUR", exchange_rate=None), Format.INV01) == ["exchange_rate"]
        far = replace(source.totals, payable=(source.totals.payable or Decimal(0)) + 100)
        assert refused(replace(source, totals=far), Format.INV01) == ["totals.payable"]
        assert "withholdings" in refused(invoice(7, currency="INR", withheld=True), Format.INV01)
        undated = replace(invoice(1, kind="return", currency="INR").references[-1], date=None)
        assert refused(replace(source, references=(undated,)), Format.INV01) == ["references"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("EARSIVFATURA", "SATIS")),
        ({"alias": True}, ("TEMELFATURA", "SATIS")),
        ({"alias": True, "process": "TICARIFATURA"}, ("TICARIFATURA", "SATIS")),
        ({"alias": True, "process": "TICARIFATURA", "is_credit_note": True}, ("TEMELFATURA", "IADE")),
        ({"is_credit_note": True}, ("EARSIVFATURA", "IADE")),
        ({"alias": True, "pack": True}, ("ILAC_TIBBICIHAZ", "SATIS")),
        ({"withholdings": (TaxTotal(amount=Decimal(5)),)}, ("EARSIVFATURA", "TEVKIFAT")),
        ({"code": "301"}, ("EARSIVFATURA", "ISTISNA")),
        ({"code": "351"}, ("EARSIVFATURA", "SATIS")),
        ({"code": "701"}, ("EARSIVFATURA", "IHRACKAYITLI")),
        ({"code": "805"}, ("EARSIVFATURA", "OZELMATRAH")),
        ({"local_type": "SGK"}, ("EARSIVFATURA", "SGK")),
    ],
)
def test_scenario_and_type_of_gib(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    rest = dict(changes)
    alias, pack, code = rest.pop("alias", False), rest.pop("pack", False), rest.pop("code", None)
    source = replace(invoice(1), taxes=(), **rest)
    source = replace(source, buyer=replace(source.buyer, endpoint=_ALIAS if alias else None))
    serials = (Identifier(value="1", scheme="ILAC"),) if pack else ()
    tax = Tax(category="E", rate=Decimal(0), exemption_code=code) if code else Tax(category="S", rate=Decimal(20))
    line = replace(source.lines[0], tax=tax, item=replace(source.lines[0].item, serials=serials))
    scenario = choose_scenario(replace(source, lines=(line,)))
    assert (scenario.profile, scenario.type) == expected
    assert all(scenario.reasons)


class TestTurkish:
    def test_packs_of_medicines_have_their_numbers(self) -> None:
        item = Item(
            name="İlaç",
            gtin=Identifier(value="08690000000012"),
            batch="B1",
            expiry="2027-05-31",
            serials=(Identifier(value="S1"), Identifier(value="S2")),
        )
        source = replace(with_line(invoice(1, lines=2), item=item), process="ILAC_TIBBICIHAZ")
        lines = form_of(source, Format.UBL_TR).lines
        assert [(each.value, each.scheme) for each in lines[0].item.serials] == [
            ("(GTIN)08690000000012(BN)B1(SN)S1(XD)270531", "ILAC"),
            ("(GTIN)08690000000012(BN)B1(SN)S2(XD)270531", "ILAC"),
        ]
        assert [(each.value, each.scheme) for each in lines[1].item.serials] == [("1111111111", "DIGER")]

    @pytest.mark.parametrize(
        ("party", "expected"),
        [
            (Party(name="Ayşe Nur Öz"), ("11111111111", "TCKN", "Ayşe Nur", "Öz")),
            (Party(name="X Ltd", address=Address(country="DE")), ("2222222222", "VKN", None, None)),
            (
                Party(name="X", tax_ids=(Identifier(value="TR4540536920", scheme="VAT"),)),
                ("4540536920", "VKN", None, None),
            ),
        ],
    )
    def test_numbers_of_buyers(self, party: Party, expected: tuple[str | None, ...]) -> None:
        source = invoice(1)
        address = replace(source.buyer.address or Address(), country=party.address.country if party.address else "TR")
        buyer = form_of(replace(source, buyer=replace(party, address=address)), Format.UBL_TR).buyer
        number = buyer.tax_ids[0]
        assert (number.value, number.scheme, buyer.first_name, buyer.family_name) == expected

    def test_a_price_for_many_is_the_price_of_one(self) -> None:
        price = Price(net=Decimal(10), base_quantity=Decimal(3))
        source = with_line(invoice(1), price=price)
        assert form_of(source, Format.UBL_TR).lines[0].price.net == Decimal("3.3333333333")


class TestIndia:
    def test_the_state_decides_between_igst_and_cgst_with_sgst(self) -> None:
        source = invoice(1, currency="INR", rule="gst_item")
        source = with_line(source, tax=Tax(category="S", rate=Decimal(18)))
        source = replace(source, taxes=(), totals=Totals())
        within = replace(source, buyer=replace(source.buyer, place_of_supply="27"))
        for each, zeros in ((source, ["CGST", "SGST"]), (within, ["IGST"])):
            rows = form_of(each, Format.INV01).lines[0].taxes[0].rows
            assert [row.type for row in rows if not row.amount] == zeros

    def test_a_price_of_four_decimals_is_rounded_up_and_discounted(self) -> None:
        source = with_line(
            replace(invoice(1, currency="INR", lines=1), allowances=()),
            quantity=Decimal(1000),
            price=Price(net=Decimal("1.2345")),
            net=Decimal("1234.50"),
            allowances=(),
        )
        source = replace(source, taxes=(), totals=Totals())
        line = form_of(source, Format.INV01).lines[0]
        assert (line.price.net, line.gross, line.price.discount, line.net) == (
            Decimal("1.235"),
            Decimal(1235),
            Decimal("0.50"),
            Decimal("1234.50"),
        )

    def test_an_export_is_in_rupees_and_names_its_currency(self) -> None:
        source = invoice(4, currency="EUR")
        buyer = Party(name="Buyer", address=Address(street="A", city="Berlin", postcode="10115", country="DE"))
        form = form_of(replace(source, buyer=buyer), Format.INV01)
        assert (form.process, form.currency) == ("EXPWP", "INR")
        assert (form.buyer.tax_ids[0].value, form.buyer.place_of_supply) == ("URP", "96")
        assert form.buyer.address is not None
        assert (form.buyer.address.region, form.buyer.address.postcode) == ("96", "999999")


def test_the_qr_code_of_gib_has_the_amounts_of_each_rate() -> None:
    source = invoice(5, lines=3)
    form = form_of(source, Format.UBL_TR)
    facts = json.loads(karekod(form))
    assert list(facts)[:8] == ["vkntckn", "avkntckn", "senaryo", "tip", "tarih", "no", "ettn", "parabirimi"]
    assert (facts["vkntckn"], facts["avkntckn"], facts["ettn"]) == ("4540536920", "9000068418", source.uuid)
    rows = form.taxes[0].rows
    for rate in {row.rate for row in rows}:
        base = sum((row.base or 0 for row in rows if row.rate == rate), Decimal(0))
        amount = sum((row.amount or 0 for row in rows if row.rate == rate), Decimal(0))
        assert (facts[f"kdvmatrah({rate})"], facts[f"hesaplanankdv({rate})"]) == (f"{base:.2f}", f"{amount:.2f}")
    assert facts["odenecek"] == f"{form.totals.payable:.2f}"
