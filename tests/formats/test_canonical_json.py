"""The canonical bytes: RFC 8785 for every text, and the way back."""

from __future__ import annotations

from decimal import Decimal

import pytest
import rfc8785

from app.formats.canonical import Fault, Format, Invoice, Item, Line, Payment, Tax, Totals
from app.formats.canonical_json import canonical_bytes, read_canonical
from app.kernel import json


@pytest.mark.parametrize("text", ["Tişört", '\u2028<&/\x7f\x01\n"\\', "शर्ट", "\ufffd", "a😀b", "\ue000\U00010000"])
def test_the_bytes_are_those_of_rfc_8785_for_every_text(text: str) -> None:
    raw = canonical_bytes(Invoice(format=Format.HUB, number=text, lines=(Line(item=Item(name=text)),)))
    assert raw == rfc8785.dumps(json.decode(raw))


def test_the_form_is_read_back_from_its_bytes() -> None:
    invoice = Invoice(
        format=Format.HUB,
        period=(None, "2026-11-30"),
        notes=("", "Two\nlines"),
        tax_rule="gst_item",
        lines=(Line(quantity=Decimal("1E+3"), tax=Tax(rate=Decimal("0.00")), item=Item(is_service=False)),),
        payments=(Payment(),),
        totals=Totals(payable=Decimal("-0.00")),
        faults=(Fault(path="x", value="y"),),
    )
    raw = canonical_bytes(invoice)
    again = read_canonical(raw)
    assert (again.lines, again.period, again.notes) == (invoice.lines, invoice.period, invoice.notes)
    assert (again.faults, canonical_bytes(again)) == ((), raw)
