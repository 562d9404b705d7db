"""Several discounts and charges of one price: each changed cent is found, or its amount is named as unverified."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from decimal import Decimal

import pytest

from app.formats.document_reader import Source, read_document
from app.rules.sums.amounts import AmountTable
from app.rules.sums.exact import Verdict, verdict
from tests.formats.lawful import Document, Row, cii, ubl
from tests.formats.test_tampering import _XML
from tests.timing import assert_linear

CENT = Decimal("0.01")
#: Whether it is a charge, its amount, and its base.
Discount = tuple[bool, Decimal, Decimal | None]
#: What the bases are: the gross price, what earlier discounts leave, something else, or not said.
BASES = ("gross", "left", "other", "none")


def discounts_of(seed: int) -> tuple[Decimal, Decimal, list[Discount]]:
    """Gross price, net price and discounts."""
    chance, way = random.Random(seed), BASES[seed % len(BASES)]
    gross = left = Decimal(chance.randrange(2000, 90000)) / 100
    found: list[Discount] = []
    for _ in range(2 + seed % 3):
        is_charge, amount = chance.random() < 0.3, Decimal(chance.randrange(1, 500)) / 100
        base = {"gross": gross, "left": left, "other": Decimal(chance.randrange(100_000, 200_000)), "none": None}[way]
        found.append((is_charge, amount, base))
        left += amount if is_charge else -amount
    return gross, left, found


def cii_with(gross: Decimal | None, net: Decimal, discounts: Sequence[Discount]) -> bytes:
    charge = f"<ram:ChargeAmount>{gross}</ram:ChargeAmount>" if gross is not None else ""
    parts = "".join(
        "<ram:AppliedTradeAllowanceCharge><ram:ChargeIndicator><udt:Indicator>"
        f"{str(is_charge).lower()}</udt:Indicator></ram:ChargeIndicator>"
        + (f"<ram:BasisAmount>{base}</ram:BasisAmount>" if base is not None else "")
        + f"<ram:ActualAmount>{amount}</ram:ActualAmount></ram:AppliedTradeAllowanceCharge>"
        for is_charge, amount, base in discounts
    )
    price = f"<ram:GrossPriceProductTradePrice>{charge}{parts}</ram:GrossPriceProductTradePrice>"
    content = cii(Document([Row(Decimal(3), net, Decimal(0), Decimal(19))]))
    return content.replace(b"<ram:NetPriceProductTradePrice>", price.encode() + b"<ram:NetPriceProductTradePrice>")


def ubl_with(gross: Decimal, net: Decimal, discounts: Sequence[Discount]) -> bytes:
    parts = "".join(
        f"<cac:AllowanceCharge><cbc:ChargeIndicator>{str(is_charge).lower()}</cbc:ChargeIndicator>"
        f'<cbc:Amount currencyID="EUR">{amount}</cbc:Amount>'
        + (f'<cbc:BaseAmount currencyID="EUR">{base}</cbc:BaseAmount>' if base is not None else "")
        + "</cac:AllowanceCharge>"
        for (is_charge, amount, _), base in zip(discounts, [gross, *(base for *_, base in discounts[1:])], strict=True)
    )
    content = ubl(Document([Row(Decimal(3), net, Decimal(0), Decimal(19))]))
    return content.replace(b"</cac:Price>", parts.encode() + b"</cac:Price>")


def changes_of(content: bytes) -> Iterator[bytes]:
    for found in _XML.finditer(content):
        for change in (CENT, -CENT):
            value = Decimal(found[1].decode()) + change
            yield content[: found.start(1)] + str(value).encode() + content[found.end(1) :]


def check(content: bytes) -> Verdict:
    return verdict(read_document(Source(content)))


def missed(content: bytes) -> tuple[int, int]:
    """Changes of a document that is right, and those that nothing tells."""
    original, before = check(content), AmountTable(read_document(Source(content))).amounts
    assert original.findings == (), original
    made = unseen = 0
    for each in changes_of(content):
        made += 1
        found = check(each)
        if found.is_exact and found.rule == original.rule:
            now = AmountTable(read_document(Source(each))).amounts
            unseen += not {name for name in now if now[name] != before[name]} & set(original.unverified)
    return made, unseen


@pytest.mark.parametrize("seed", range(24))
def test_each_changed_cent_is_found_or_named(seed: int) -> None:
    gross, net, discounts = discounts_of(seed)
    for content in (cii_with(gross, net, discounts), ubl_with(gross, net, discounts)):
        made, unseen = missed(content)
        assert made > 20
        assert unseen == 0


def test_without_a_gross_price_all_are_named() -> None:
    _, net, discounts = discounts_of(0)
    content = cii_with(None, net, discounts)
    assert missed(content)[1] == 0
    assert "lines[0].price.discounts[1].amount" in check(content).unverified


def test_the_finding_names_one_of_the_discounts() -> None:
    discounts = [(False, Decimal("1.00"), Decimal("10.00")), (False, Decimal("2.00"), Decimal("9.00"))]
    content = cii_with(Decimal("10.00"), Decimal("7.00"), discounts)
    assert check(content).findings == ()
    [found] = check(content.replace(b"BasisAmount>9.00", b"BasisAmount>9.01")).findings
    assert (found.field, found.got, found.expected) == ("lines[0].price.discounts[1].base", "9.01", "9.00")
    [found] = check(content.replace(b"ActualAmount>2.00", b"ActualAmount>2.01")).findings
    assert "price" in found.field


def test_the_sum_of_the_discounts_goes_into_other_formats() -> None:
    gross, net, discounts = discounts_of(1)
    price = read_document(Source(ubl_with(gross, net, discounts))).lines[0].price
    assert (price.gross, price.discount) == (gross, gross - net)


@pytest.mark.parametrize("way", ["gross", "left"])
def test_small_discounts_are_no_false_alarm(way: str) -> None:
    """What they leave is near the gross price, so that a base of theirs can be taken for it."""
    base = Decimal("1.00") if way == "gross" else Decimal("0.96")
    discounts = [(False, Decimal("0.04"), Decimal("1.00")), (False, Decimal("0.03"), base)]
    for content in (made(Decimal("1.00"), Decimal("0.93"), discounts) for made in (cii_with, ubl_with)):
        assert check(content).findings == ()
    wrong = [discounts[0], (False, Decimal("0.03"), base + CENT)]
    [found] = check(cii_with(Decimal("1.00"), Decimal("0.93"), wrong)).findings
    assert (found.field, found.expected) == ("lines[0].price.discounts[1].base", str(base))


@pytest.mark.parametrize("way", ["gross", "left"])
def test_the_time_grows_with_the_number_of_discounts(way: str) -> None:
    def many(count: int) -> bytes:
        gross, step = Decimal("900.00"), Decimal("0.01")
        bases = [gross - (step * place if way == "left" else 0) for place in range(count)]
        return cii_with(gross, gross - step * count, [(False, step, base) for base in bases])

    assert_linear(check, many, 500)


def test_the_time_grows_with_the_number_of_lines() -> None:
    row = Row(Decimal(3), Decimal("10.00"), Decimal(0), Decimal(19))
    assert_linear(check, lambda count: ubl(Document([row] * count)), 500)


def test_an_allowance_of_one_rate_is_no_false_alarm_beside_a_tiny_line_of_another() -> None:
    lines = [Row(Decimal(1), Decimal(price), Decimal(0), Decimal(rate)) for price, rate in (("10.00", 19), ("0.04", 7))]
    content = ubl(Document(lines, allowance=Decimal("1.00")))
    amount = b'<cbc:Amount currencyID="EUR">1.00</cbc:Amount>'
    assert content.count(amount) == 1
    for base, expected in ((b"10.00", ()), (b"10.01", ("allowances[0].base",)), (b"10.04", ())):
        with_base = content.replace(amount, amount + b'<cbc:BaseAmount currencyID="EUR">' + base + b"</cbc:BaseAmount>")
        assert tuple(each.field for each in check(with_base).findings) == expected
