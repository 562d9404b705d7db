"""Benchmark: written documents of five lines in each format, and a Factur-X PDF compared with the plain one."""

from __future__ import annotations

import functools
from datetime import UTC, datetime
from decimal import Decimal

from app.einvoices.pdf import context
from app.einvoices.pdf.hybrid_print import print_factur_x
from app.formats.canonical import DOCUMENT_FORMATS, Address, Format, Identifier, Invoice, Item, Line, Party, Price, Tax
from app.formats.writers.document_writer import write_document
from app.pdf import renderer
from bench.bench_pdf import cpu_ms, invoice_data
from bench.figures import print_figure

LINES, ROUNDS, PDF_ROUNDS = 5, 50, 15
_ISSUED = datetime(2026, 2, 1, 12, tzinfo=UTC)
#: Aims: most milliseconds for UBL, and most times of the plain PDF.
_MOST_MS, _MOST_TIMES = 10, 1.25


def run() -> None:
    """Print the CPU time of each format in milliseconds, and the ratio of the PDFs."""
    invoice = invoice_of(LINES)
    for each in DOCUMENT_FORMATS:
        times = [cpu_ms(functools.partial(write_document, invoice, each)) for _ in range(ROUNDS + 1)]
        aim = f"at most {_MOST_MS}" if each is Format.UBL else ""
        print_figure(f"{each.value} document of {LINES} lines, ms of CPU", times[1:], aim=aim)
    data, cii = invoice_data(LINES), write_document(invoice, Format.CII).content
    plain, hybrid = [], []
    for _ in range(PDF_ROUNDS + 1):
        plain.append(cpu_ms(functools.partial(renderer.render, context.TEMPLATES, context.TEMPLATE, data)))
        hybrid.append(cpu_ms(functools.partial(print_factur_x, data, cii, _ISSUED)))
    ratios = [one / other for one, other in zip(hybrid[1:], plain[1:], strict=True)]
    print_figure("Factur-X / plain PDF", ratios, aim=f"at most {_MOST_TIMES}")


def invoice_of(count: int) -> Invoice:
    """An invoice of ``count`` lines that every format can say."""
    address = Address(street="Sanayi Cad. 5", district="Nilüfer", city="Bursa", postcode="411001", country="IN")
    ids = (Identifier(value="4540536920", scheme="VKN"), Identifier(value="27AAPFU0939F1ZV", scheme="GSTIN"))
    party = Party(name="Örnek Tekstil A.Ş.", tax_ids=ids, address=address)
    lines = tuple(
        Line(
            quantity=Decimal(3),
            unit="MTR",
            price=Price(net=Decimal("12.5")),
            net=Decimal("37.50"),
            tax=Tax(category="S", rate=Decimal(20)),
            item=Item(
                name=f"Pamuklu poplin {number}", classifications=(Identifier(value="5208", scheme="HSN"),), batch="LOT7"
            ),
        )
        for number in range(count)
    )
    return Invoice(
        format=Format.HUB,
        number="ABC2026000000001",
        uuid="0f2e6a1c-9b3d-4c57-8e21-5a7d90c4b1e6",
        type="380",
        issue_date="2026-02-01",
        due_date="2026-03-01",
        currency="INR",
        exchange_rate=Decimal("0.5"),
        seller=party,
        buyer=party,
        lines=lines,
    )
