"""The writers: what is written is read again, keeps all rules, and asks for the same amount in each format."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from app.formats.canonical import DOCUMENT_FORMATS, Format, Identifier, Invoice, Party
from app.formats.document_reader import Source, read_document
from app.formats.targets.en16931 import CORE, PEPPOL
from app.formats.targets.not_writable import NotWritable
from app.formats.writers.document_writer import write_document
from app.rules.document_check import check_document
from app.rules.sums.exact import verdict
from tests.formats.hub_invoices import DIGITS, KINDS, invoice

#: Formats that have no withholding, and no prepaid amount.
_WITHOUT_WITHHOLDING, _WITHOUT_PREPAID = Format.INV01, Format.UBL_TR


def amount_due(read: Invoice) -> Decimal:
    """What is left to pay; the total of INV-01 does not take the prepaid amount off."""
    paid = read.totals.prepaid if read.format is Format.INV01 else None
    return (read.totals.payable or Decimal(0)) - (paid or Decimal(0))


def written(seed: int, kind: str, currency: str, **options: bool) -> None:
    """Write an invoice in each format that can say it, and check what is there."""
    rule = "gst_item" if currency == "INR" else "per_rate"
    source = invoice(seed, kind=kind, currency=currency, rule=rule, **options)
    refused = {_WITHOUT_WITHHOLDING} if source.withholdings else set()
    refused |= {_WITHOUT_PREPAID} if source.totals.prepaid else set()
    refused |= {Format.INV01} if currency == "TRY" else set()  # without an exchange rate
    due = set()
    for each in DOCUMENT_FORMATS:
        if each in refused:
            with pytest.raises(NotWritable):
                write_document(source, each)
            continue
        document = write_document(source, each)
        check = check_document(Source(document.content))
        assert check.findings == (), (each, seed)
        assert check.invoice == document.form, (each, seed)
        assert verdict(check.invoice).is_exact, (each, seed, verdict(check.invoice))
        if each is not Format.INV01 or currency == "INR":
            due.add(amount_due(check.invoice))
    assert due == {source.totals.payable}


@pytest.mark.parametrize("seed", range(30))
def test_every_format_says_the_invoice(seed: int) -> None:
    currencies = list(DIGITS)
    written(
        seed,
        KINDS[seed % len(KINDS)],
        currencies[seed % len(currencies)],
        withheld=seed % 7 == 0,
        prepaid=seed % 11 == 0,
    )


@pytest.mark.drill
@pytest.mark.parametrize("currency", DIGITS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_format_says_many_invoices(kind: str, currency: str) -> None:
    for seed in range(1000, 1040):
        written(seed, kind, currency, withheld=seed % 7 == 0, prepaid=seed % 11 == 0)


_PROGRAM = """
import hashlib
from app.formats.canonical import DOCUMENT_FORMATS
from app.formats.writers.document_writer import write_document
from tests.formats.hub_invoices import invoice
contents = (write_document(invoice(3, currency="EUR"), each).content for each in DOCUMENT_FORMATS)
print(*(hashlib.sha256(content).hexdigest() for content in contents))
"""


@pytest.mark.drill
def test_the_bytes_are_the_same_in_three_processes() -> None:
    root = Path(__file__).resolve().parents[2]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], cwd=root, env={"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, text=True
        )
        for seed in ("1", "2", "3")
    ]
    answers = {run.communicate(timeout=60)[0] for run in runs}
    here = (write_document(invoice(3, currency="EUR"), each).content for each in DOCUMENT_FORMATS)
    assert answers == {" ".join(hashlib.sha256(content).hexdigest() for content in here) + "\n"}


@pytest.mark.parametrize("target", DOCUMENT_FORMATS)
def test_the_bytes_are_the_same_for_equal_invoices(target: Format) -> None:
    one, other = invoice(3, currency="EUR"), invoice(3, currency="EUR")
    assert write_document(one, target).content == write_document(other, target).content


class TestEn16931:
    def test_peppol_is_named_where_both_have_an_address_and_the_buyer_a_reference(self) -> None:
        address = Identifier(value="1288331521", scheme="9952")
        source = invoice(1, currency="EUR")
        source = replace(
            source,
            buyer_reference="PO-7",
            seller=replace(source.seller, endpoint=address),
            buyer=replace(source.buyer, endpoint=address),
        )
        assert write_document(source, Format.UBL).form.specification == PEPPOL
        assert write_document(source, Format.CII).form.specification == CORE
        for other in (
            replace(source, buyer=replace(source.buyer, endpoint=replace(address, scheme="alias"))),
            replace(source, buyer_reference=None, references=()),
            replace(source, currency="JPY"),
        ):
            assert write_document(other, Format.UBL).form.specification == CORE

    def test_withheld_vat_has_been_paid_and_a_note_says_so(self) -> None:
        source = invoice(7, withheld=True)
        form = write_document(source, Format.UBL).form
        amount = source.withholdings[0].amount
        assert form.totals.prepaid == amount
        assert f"{amount} TRY" in form.notes[-1]

    def test_a_credit_note_has_its_due_date_at_the_payment(self) -> None:
        source = replace(invoice(2, kind="credit_note"), payments=())
        content = write_document(source, Format.UBL).content
        assert b"<CreditNote " in content
        assert b"<cbc:PaymentDueDate>2026-12-30</cbc:PaymentDueDate>" in content
        assert read_document(Source(content)).due_date == "2026-12-30"

    def test_another_scheme_of_tax_numbers_is_no_vat_number(self) -> None:
        seller = Party(name="A", tax_ids=(Identifier(value="DE123456789", scheme="VAT"), Identifier(value="12/345")))
        source = replace(invoice(1, currency="EUR"), seller=replace(seller, address=invoice(1).seller.address))
        for each, scheme in ((Format.UBL, "TAX"), (Format.CII, "FC")):
            numbers = write_document(source, each).form.seller.tax_ids
            assert [(number.value, number.scheme) for number in numbers] == [
                ("DE123456789", "VAT"),
                ("12/345", scheme),
            ]


def test_any_text_can_be_written() -> None:
    texts = ('a & b < c > d "e"', "line\r\nline", "bell\x07", "half\ud800", "府绸 😀")
    source = replace(invoice(1, currency="EUR"), notes=texts)
    expected = ('a & b < c > d "e"', "line\r\nline", "bell\ufffd", "half\ufffd", "府绸 😀")
    assert read_document(Source(write_document(source, Format.CII).content)).notes == expected


@pytest.mark.parametrize("example", ["ubl-invoice", "ubl-tr-invoice"])
def test_a_document_is_written_again(example: str) -> None:
    source = read_document(Source(Path(f"docs/examples/{example}.xml").read_bytes()))
    again = write_document(source, source.format).form
    assert (again.lines[0].net, again.totals, again.taxes) == (source.lines[0].net, source.totals, source.taxes)
    assert (again.specification, again.type, again.process) == (source.specification, source.type, source.process)
