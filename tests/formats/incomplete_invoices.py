"""Random invoices of which something is missing, odd or wrong, as people and programs make them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from app.formats.canonical import (
    Address,
    AllowanceCharge,
    Delivery,
    Identifier,
    Invoice,
    Line,
    Party,
    Payment,
    Reference,
    Tax,
)
from tests.formats.hub_invoices import DIGITS, KINDS, invoice

Change = Callable[[Invoice, random.Random], Invoice]
_NAMES = (None, "", "A", "A B", "Müşteri " * 12, "府绸 😀", 'a"b\\c', "  x  ", "Ali Veli")
_COUNTRIES = (None, "TR", "IN", "DE", "GR", "XX", "AQ", "GB")
_TAX_IDS = (
    (),
    (("VKN", "4540536920"),),
    (("VKN", "4540536921"),),
    (("TCKN", "10000000146"),),
    (("TCKN", "11111111111"),),
    (("VAT", "DE123456789"),),
    (("VAT", "123456789"),),
    (("TAX", "12/345/678"),),
    (("GSTIN", "27AAPFU0939F1ZV"),),
    (("GSTIN", "27AAPFU0939F1ZX"),),
    (("GSTIN", "29AAGCB7383J1Z4"), ("VAT", "IN29AAGCB7383J1Z4")),
    (("VKN", "9000068418"), ("TAX", "7"), ("VAT", "TR9000068418")),
)
_IDS = ((), (("MERSISNO", "0123456789012345"),), ((None, "HRB 7"),), (("0088", "4006381333931"), ("0106", "12345678")))
_ENDPOINTS = (
    None,
    ("9952", "1288331521"),
    ("0088", "4006381333931"),
    ("0088", "4006381333930"),
    ("EM", "a@example.com"),
    ("9999", "1"),
    ("alias", "urn:mail:defaultgb@example.com.tr"),
    ("0088", ""),
)
_NUMBERS = ("ABC2026000000001", "EA-2026-000456", "ABC/26-27/1", "AB2026000000001", "ABC2026-1", "0012", "X" * 30, "İ1")
_UNITS = (None, "", "ROL", "MTR", "C62", "XBX", "BX", "NIU", "SET", "PR", "ROLL", "mtr", "KWH", "DAY", "D97", "TNE")
_EXEMPTIONS = (
    ("E", None, None),
    ("E", None, "Muaf"),
    ("E", "301", "Mal ihracatı"),
    ("E", "999", None),
    ("E", "VATEX-EU-132", None),
    ("E", "VATEX-EU-999", "x"),
    ("Z", None, None),
    ("Z", "351", None),
    ("AE", "VATEX-EU-AE", None),
    ("AE", None, None),
    ("K", "VATEX-EU-IC", None),
    ("G", "301", "İhracat"),
    ("G", "VATEX-EU-G", None),
    ("O", "VATEX-EU-O", None),
    ("O", None, None),
    ("L", None, None),
    ("S", None, None),
    (None, None, None),
    (None, "701", None),
    ("E", "801", "Özel matrah"),
    ("E", "701", "İhraç kayıtlı"),
)
_MEANS = (None, "10", "30", "58", "48", "49", "59", "1", "ZZZ", "999", "97")
_PARTS = ("street", "additional", "building", "district", "city", "postcode", "region", "country", "country_name")


def _ids(pairs: Any) -> tuple[Identifier, ...]:
    return tuple(Identifier(value=value, scheme=scheme) for scheme, value in pairs)


def _party(change: Callable[[Party, random.Random], Party]) -> Change:
    def apply(form: Invoice, dice: random.Random) -> Invoice:
        side = dice.choice(("seller", "buyer"))
        return replace(form, **{side: change(getattr(form, side), dice)})  # type: ignore[arg-type]

    return apply


def _address(party: Party, dice: random.Random) -> Party:
    if dice.random() < 0.1:
        return replace(party, address=None)
    part = dice.choice(_PARTS)
    value = dice.choice(_COUNTRIES) if part == "country" else dice.choice((*_NAMES, "34000", "29", "411001"))
    return replace(party, address=replace(party.address or Address(), **{part: value}))


def _endpoint(party: Party, dice: random.Random) -> Party:
    found = dice.choice(_ENDPOINTS)
    return replace(party, endpoint=Identifier(value=found[1], scheme=found[0]) if found else None)


def _person(party: Party, dice: random.Random) -> Party:
    person = replace(party, name=dice.choice(_NAMES), first_name=dice.choice(_NAMES), family_name=dice.choice(_NAMES))
    return replace(person, tax_ids=_ids((("TCKN", "10000000146"),)))


def _line(change: Callable[[Line, random.Random], Line]) -> Change:
    def apply(form: Invoice, dice: random.Random) -> Invoice:
        place = dice.randrange(len(form.lines)) if form.lines else 0
        lines = tuple(change(line, dice) if at == place else line for at, line in enumerate(form.lines))
        return replace(form, lines=lines)

    return apply


def _exempt(form: Invoice, dice: random.Random) -> Invoice:
    """Another category or exemption for all that has the rate 0."""
    category, code, reason = dice.choice(_EXEMPTIONS)

    def changed(tax: Tax | None) -> Tax | None:
        if tax is None or tax.rate:
            return tax
        return replace(tax, category=category, exemption_code=code, exemption_reason=reason)

    taxes = tuple(replace(total, rows=tuple(changed(row) or row for row in total.rows)) for total in form.taxes)
    lines = tuple(replace(line, tax=changed(line.tax)) for line in form.lines)
    allowances = tuple(replace(each, tax=changed(each.tax)) for each in form.allowances)
    return replace(form, lines=lines, allowances=allowances, taxes=taxes)


def _rounded(form: Invoice, dice: random.Random) -> Invoice:
    rounding = dice.choice((Decimal("0.30"), Decimal("-0.45"), Decimal("120.00")))
    payable = (form.totals.payable or Decimal(0)) - (form.totals.rounding or Decimal(0)) + rounding
    return replace(form, totals=replace(form.totals, rounding=rounding, payable=payable))


def _reference(form: Invoice, dice: random.Random) -> Invoice:
    kind = dice.choice(("order", "contract", "original", "despatch", "receipt", "project", "additional", "tender"))
    number = dice.choice((*_NUMBERS, "SO 1"))
    return replace(
        form, references=(*form.references, Reference(kind=kind, id=number, date=dice.choice((None, "2026-10-01"))))
    )


def _delivery(form: Invoice, dice: random.Random) -> Invoice:
    country = dice.choice(_COUNTRIES)
    address = dice.choice((None, Address(city="Köln"), Address(country=country), Address(street="A", country=country)))
    party = dice.choice((None, Party(name=dice.choice(_NAMES), address=address)))
    return replace(form, delivery=Delivery(date=dice.choice((None, "2026-11-29")), party=party))


def _payment(form: Invoice, dice: random.Random) -> Invoice:
    iban = dice.choice((None, "TR330006100519786457841326", "7"))
    payment = Payment(means=dice.choice(_MEANS), iban=iban, bic=dice.choice((None, "TGBATRIS")), reference="R1")
    return replace(form, payments=dice.choice(((), (payment,), (*form.payments, payment))))


#: What can be set to something else without a sum that changes: fields of the document and their values.
_HEAD: dict[str, tuple[Any, ...]] = {
    "number": (None, *_NUMBERS),
    "uuid": (None,),
    "issue_time": (None, "23:59:59"),
    "due_date": (None, "2026-11-01"),
    "payment_terms": (None, "30 days", "2 % / 10"),
    "period": (None, ("2026-11-01", "2026-11-30"), ("2026-11-30", "2026-11-01"), ("2026-11-01", None)),
    "tax_point_date": (None, "2026-11-15"),
    "exchange_rate": (None, Decimal("34.1234567"), Decimal("34.5")),
    "buyer_reference": (None, "PO-7", "x" * 200),
    "process": (None, "TICARIFATURA", "TEMELFATURA", "EARSIVFATURA", "ILAC_TIBBICIHAZ", "KAMU", "IHRACAT", "X"),
    "local_type": (None, "OZELMATRAH", "IHRACKAYITLI", "ISTISNA", "SATIS", "SGK"),
    "supply_type": (None, "B2B", "EXPWP", "EXPWOP", "SEZWP"),
    "reverse_charge": (None, True, False),
    "notes": ((), ("a" * 2000,), ("#AAB#x", " "), ("",)),
    "references": ((),),
    "payments": ((),),
    "currency": ("XBT",),
    "lines": ((),),
}
_ITEM: dict[str, tuple[Any, ...]] = {
    "name": (*_NAMES, "n" * 400),
    "description": (None, "d" * 500, " "),
    "seller_id": (None, "", "S" * 60),
    "origin": (None, "TR", "XX", "GR"),
    "gtin": (None, Identifier(value="8690000000012", scheme="0160"), Identifier(value="12", scheme="0160")),
    "classifications": ((), (Identifier(value="52", scheme="HSN"),), (Identifier(value="5208", scheme=None),)),
    "batch": (None, "B", "LOT-1 / 7" * 5),
    "expiry": (None, "2027-05-31"),
    "is_service": (None, True, False),
    "serials": ((), (Identifier(value="SN1"),), (Identifier(value="(01)08690000000012(21)1", scheme="ILAC"),)),
}


def _head(form: Invoice, dice: random.Random) -> Invoice:
    name = dice.choice(list(_HEAD))
    return replace(form, **{name: dice.choice(_HEAD[name])})


def _item(line: Line, dice: random.Random) -> Line:
    name = dice.choice(list(_ITEM))
    return replace(line, item=replace(line.item, **{name: dice.choice(_ITEM[name])}))


def _allowance(form: Invoice, dice: random.Random) -> Invoice:
    def changed(each: AllowanceCharge) -> AllowanceCharge:
        return replace(each, reason=dice.choice((None, "", "x")), reason_code=dice.choice((None, "95", "100", "ZZ9")))

    lines = tuple(replace(line, allowances=tuple(map(changed, line.allowances))) for line in form.lines)
    return replace(form, allowances=tuple(map(changed, form.allowances)), lines=lines)


CHANGES: tuple[Change, ...] = (
    _head,
    _head,
    _head,
    _exempt,
    _exempt,
    _rounded,
    _reference,
    _delivery,
    _payment,
    _allowance,
    _party(_address),
    _party(_address),
    _party(_endpoint),
    _party(_person),
    _party(lambda party, dice: replace(party, name=dice.choice(_NAMES))),
    _party(lambda party, dice: replace(party, tax_ids=_ids(dice.choice(_TAX_IDS)))),
    _party(lambda party, dice: replace(party, ids=_ids(dice.choice(_IDS)))),
    _party(lambda party, dice: replace(party, tax_office=dice.choice(_NAMES))),
    _party(lambda party, dice: replace(party, place_of_supply=dice.choice((None, "27", "29", "96", "x")))),
    _line(_item),
    _line(_item),
    _line(lambda line, dice: replace(line, unit=dice.choice(_UNITS))),
    _line(lambda line, dice: replace(line, note=dice.choice((None, "", "note")))),
    _line(lambda line, dice: replace(line, id=dice.choice((None, "1", "x")))),
)


def spoiled(seed: int, kind: str | None = None) -> Invoice:
    """An invoice with up to three changes; without ``kind`` the seed decides what it is."""
    dice = random.Random(seed)
    currency = dice.choice(list(DIGITS))
    rule = "gst_item" if currency == "INR" else "per_rate"
    drawn = dice.choice(KINDS)
    form = invoice(
        seed,
        kind=kind or drawn,
        currency=currency,
        rule=rule,
        withheld=dice.random() < 0.1,
        prepaid=dice.random() < 0.1,
        lines=dice.randint(1, 4),
    )
    for change in dice.choices(CHANGES, k=dice.randint(0, 3)):
        form = change(form, dice)
    return form
