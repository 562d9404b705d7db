"""Every amount of a written document that is a cent more or less is found, or told to be one that no rule verifies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest

from app.formats.canonical import DOCUMENT_FORMATS, Format
from app.formats.document_reader import Source, read_document
from app.formats.targets.not_writable import NotWritable
from app.formats.writers.document_writer import write_document
from app.rules.sums.amounts import AmountTable
from app.rules.sums.exact import verdict
from tests.formats.hub_invoices import DIGITS, KINDS, invoice

_XML = re.compile(rb"<(?:cbc|ram):\w*Amount[^>]*>(-?\d+(?:\.\d+)?)<")
_JSON = re.compile(rb'"\w*(?:Amt|Val|Price|Discount|Due)": ?(-?\d+(?:\.\d+)?)')


def changed(content: bytes, target: Format, step: Decimal) -> Iterator[bytes]:
    """The document with one amount changed, for each amount."""
    for found in (_JSON if target is Format.INV01 else _XML).finditer(content):
        for change in (step, -step):
            value = Decimal(found[1].decode()) + change
            if value >= 0:
                yield content[: found.start(1)] + str(value).encode() + content[found.end(1) :]


def tamper(seed: int, target: Format) -> tuple[int, int]:
    """Changes of one document that were made, and that nothing tells."""
    currency = list(DIGITS)[seed % len(DIGITS)]
    rule = "gst_item" if currency == "INR" else "per_rate"
    options = {"lines": 1 + seed % 4, "withheld": seed % 7 == 0}
    source = invoice(seed, kind=KINDS[seed % 3], currency=currency, rule=rule, **options)
    try:
        content = write_document(source, target).content
    except NotWritable:
        return 0, 0
    before = read_document(Source(content))
    original = verdict(before)
    amounts = AmountTable(before).amounts
    step = Decimal(1) if currency == "JPY" and target is not Format.INV01 else Decimal("0.01")
    made = missed = 0
    for each in changed(content, target, step):
        made += 1
        after = read_document(Source(each))
        found = verdict(after)
        if found.is_exact and found.rule == original.rule:
            now = AmountTable(after).amounts
            fields = {name for name in now if now[name] != amounts[name]}
            missed += not fields & set(original.unverified)
    return made, missed


@pytest.mark.parametrize("target", DOCUMENT_FORMATS)
def test_each_changed_cent_is_found(target: Format) -> None:
    results = [tamper(seed, target) for seed in (0, 1)]
    assert sum(made for made, _ in results) > 30
    assert sum(missed for _, missed in results) == 0


@pytest.mark.drill
@pytest.mark.parametrize("target", DOCUMENT_FORMATS)
def test_each_changed_cent_of_many_documents_is_found(target: Format) -> None:
    results = [tamper(seed, target) for seed in range(100, 140)]
    assert sum(made for made, _ in results) > 1000
    assert sum(missed for _, missed in results) == 0
