"""Random invoices in the hub's own form, complete enough for every format."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from app.formats.canonical import (
    Address,
    AllowanceCharge,
    Contact,
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

KINDS = ("sale", "return", "credit_note")
NAMES = ("Pamuklu poplin, 150 cm", 'Köper & "denim" <raw>', "पॉपलिन कपड़ा", "府绸 😀", "قماش قطني", "Ткань  №5")
UNITS = ("MTR", "C62", "XBX", "PK", "XRO", "KGM", "H87")
#: Rate, category, GİB's code of the exemption. At 0 % both need a reason.
RATES = (
    ("20", "S", None),
    ("10", "S", None),
    ("1", "S", None),
    ("18.5", "S", None),
    ("0", "E", "301"),
    ("0", "Z", "351"),
)
DIGITS = {"TRY": 2, "EUR": 2, "INR": 2, "JPY": 0, "KWD": 3}
#: A withholding of GİB: its code and the one percent that it has.
WITHHOLDINGS = (("601", "40"), ("624", "20"), ("603", "70"))
_HUNDRED = Decimal(100)


def cents(amount: Decimal, digits: int = 2) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)


def party(name: str, vkn: str, gstin: str, dice: random.Random, endpoint: Identifier) -> Party:
    return Party(
        name=name,
        tax_ids=(Identifier(value=vkn, scheme="VKN"), Identifier(value=gstin, scheme="GSTIN")),
        ids=(Identifier(value="0123456789", scheme="MERSISNO"),) if dice.random() < 0.5 else (),
        tax_office="Nilüfer" if dice.random() < 0.5 else None,
        endpoint=endpoint,
        address=Address(
            street="Sanayi Caddesi",
            building="5/A",
            district="Nilüfer",
            city="Bursa",
            postcode="411001",
            region=gstin[:2],
            country="IN",
        ),
        contact=Contact(name="Ayşe Öz", phone="+90 224 111 22", email="a@example.com") if dice.random() < 0.5 else None,
    )


def random_line(dice: random.Random, place: int, digits: int) -> Line:
    rate, category, exemption = dice.choice(RATES)
    quantity = Decimal(dice.randint(1, 99_999)).scaleb(-dice.randint(0, 3))
    price = Decimal(dice.randint(1, 999_999)).scaleb(-dice.randint(0, 4))
    gross = cents(quantity * price, digits)
    allowances = []
    if dice.random() < 0.4 and gross:
        percent = Decimal(dice.randint(1, 40))
        allowances = [AllowanceCharge(amount=cents(gross * percent / _HUNDRED, digits), base=gross, percent=percent)]
        if dice.random() < 0.5:
            allowances = [replace(allowances[0], base=None, percent=None, reason="Kampanya")]
    net = cents(quantity * price - sum((each.amount or 0 for each in allowances), Decimal(0)), digits)
    return Line(
        id=str(place),
        quantity=quantity,
        unit=dice.choice(UNITS),
        price=Price(net=price),
        net=net,
        allowances=tuple(allowances),
        tax=Tax(
            category=category,
            rate=Decimal(rate),
            exemption_code=exemption,
            exemption_reason="İstisna" if exemption else None,
        ),
        item=Item(
            name=dice.choice(NAMES).strip(),
            seller_id=f"SKU-{place}",
            gtin=Identifier(value="8690000000012", scheme="0160") if dice.random() < 0.3 else None,
            classifications=(Identifier(value="5208", scheme="HSN"),),
            batch="LOT7" if dice.random() < 0.3 else None,
            expiry="2027-05-31" if dice.random() < 0.3 else None,
        ),
    )


def invoice(
    seed: int,
    *,
    kind: str = "sale",
    currency: str = "TRY",
    rule: str = "per_rate",
    lines: int | None = None,
    withheld: bool = False,
    prepaid: bool = False,
) -> Invoice:
    """A complete invoice. Withholding and prepaid amounts are off, because some formats have none."""
    dice, digits = random.Random(seed), min(DIGITS[currency], 2)
    items = tuple(random_line(dice, place, digits) for place in range(1, (lines or dice.randint(1, 8)) + 1))
    allowances = tuple(_allowances(dice, items, digits))
    rows = _rows(items, allowances, rule, digits)
    tax = sum((row.amount or Decimal(0) for row in rows), Decimal(0))
    net = sum((line.net or Decimal(0) for line in items), Decimal(0))
    taken = sum((each.amount or Decimal(0) for each in allowances), Decimal(0))
    paid = Decimal(1) if prepaid else None
    form = Invoice(
        format=Format.HUB,
        number="ABC2026000000001",
        uuid="0f2e6a1c-9b3d-4c57-8e21-5a7d90c4b1e6",
        type="380" if kind == "sale" else "381",
        is_credit_note=kind != "sale",
        issue_date="2026-11-30",
        issue_time="10:30:00",
        due_date="2026-12-30",
        payment_terms="30 gün" if dice.random() < 0.5 else None,
        currency=currency,
        exchange_rate=None if currency == "TRY" else Decimal("34.5678"),
        tax_rule=rule,
        buyer_reference="PO-7" if dice.random() < 0.5 else None,
        notes=("Birinci not", "Zweite Notiz")[: dice.randint(0, 2)],
        references=tuple(_references(dice, kind)),
        seller=party("Örnek Tekstil A.Ş.", "4540536920", "27AAPFU0939F1ZV", dice, _endpoint(dice)),
        buyer=replace(
            party("Müşteri Ltd. Şti.", "9000068418", "29AAGCB7383J1Z4", dice, _endpoint(dice)), place_of_supply="29"
        ),
        delivery=Delivery(date="2026-11-29") if dice.random() < 0.5 else None,
        payments=(Payment(means="30", iban="TR330006100519786457841326", holder="Örnek", bic="TGBATRIS"),),
        lines=items,
        allowances=allowances,
        taxes=(TaxTotal(amount=tax, currency=currency, rows=rows),),
        totals=Totals(
            lines=net,
            allowances=taken or None,
            tax_exclusive=net - taken,
            tax_inclusive=net - taken + tax,
            prepaid=paid,
            payable=net - taken + tax - (paid or 0),
        ),
    )
    return _withheld(form, dice, digits) if withheld else form


def _endpoint(dice: random.Random) -> Identifier:
    return dice.choice(
        (
            Identifier(value="1288331521", scheme="9952"),
            Identifier(value="urn:mail:defaultpk@example.com.tr", scheme="alias"),
        )
    )


def _allowances(dice: random.Random, items: tuple[Line, ...], digits: int) -> list[AllowanceCharge]:
    """At most one allowance of the document for each of two rates, smaller than its lines."""
    found: list[AllowanceCharge] = []
    groups: dict[Tax, Decimal] = defaultdict(Decimal)
    for line in items:
        if line.tax is not None:
            groups[line.tax] += line.net or 0
    for tax, net in list(groups.items())[: dice.choice((0, 0, 1, 2))]:
        if amount := cents(net / 7, digits):
            found.append(AllowanceCharge(amount=amount, reason="Kampanya", tax=tax))
    return found


def _rows(items: tuple[Line, ...], allowances: tuple[AllowanceCharge, ...], rule: str, digits: int) -> tuple[Tax, ...]:
    bases: dict[Tax, list[Decimal]] = defaultdict(list)
    for line in items:
        if line.tax is not None:
            bases[line.tax].append(line.net or Decimal(0))
    for each in allowances:
        if each.tax is not None:
            bases[each.tax].append(-(each.amount or Decimal(0)))
    rows = []
    for tax, amounts in bases.items():
        rate, base = tax.rate or Decimal(0), sum(amounts, Decimal(0))
        if rule == "per_rate":
            amount = cents(base * rate / _HUNDRED, digits)
        else:
            amount = sum((2 * cents(each * rate / _HUNDRED / 2, digits) for each in amounts), Decimal(0))
        rows.append(replace(tax, base=base, amount=amount))
    return tuple(rows)


def _references(dice: random.Random, kind: str) -> list[Reference]:
    found = [Reference(kind="order", id="SO-1", date="2026-11-01")] if dice.random() < 0.5 else []
    found += [Reference(kind="despatch", id="IRS2026000000009")] if dice.random() < 0.5 else []
    found += [Reference(kind="project", id="P-1"), Reference(kind="additional", id="X-1")][: dice.randint(0, 2)]
    if kind != "sale":
        found.append(Reference(kind="original", id="ABC2026000000000", date="2026-10-30"))
    return found


def _withheld(form: Invoice, dice: random.Random, digits: int) -> Invoice:
    """A part of the VAT of each taxed line is withheld."""
    code, percent = dice.choice(WITHHOLDINGS)
    lines, rows = [], []
    for line in form.lines:
        rate = line.tax.rate if line.tax else None
        base = cents((line.net or Decimal(0)) * (rate or 0) / _HUNDRED, digits)
        amount = cents(base * Decimal(percent) / _HUNDRED, digits)
        row = Tax(type=code, rate=Decimal(percent), base=base, amount=amount)
        total = TaxTotal(amount=amount, currency=form.currency, rows=(row,))
        lines.append(replace(line, withholdings=(total,)) if base else line)
        rows += [row] if base else []
    base = sum((row.base or Decimal(0) for row in rows), Decimal(0))
    amount = cents(base * Decimal(percent) / _HUNDRED, digits)
    total = TaxTotal(
        amount=amount,
        currency=form.currency,
        rows=(Tax(type=code, rate=Decimal(percent), base=base, amount=amount),),
    )
    payable = (form.totals.payable or Decimal(0)) - amount
    withholdings = (total,) if rows else ()
    return replace(form, lines=tuple(lines), withholdings=withholdings, totals=replace(form.totals, payable=payable))
