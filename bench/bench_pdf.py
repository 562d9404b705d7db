"""Benchmark: e-invoice PDFs compared with plain WeasyPrint on the same HTML, and memory after 1,000 PDFs."""

from __future__ import annotations

import functools
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import psutil
from weasyprint import CSS, HTML

from app.einvoices.content import draft_lines
from app.einvoices.documents.canonical_form import issue_facts_of
from app.einvoices.lifecycle import totals
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.pdf import context
from app.pdf import renderer
from bench.figures import print_figure

LINES, ROUNDS, PDFS = (5, 30, 300), {5: 15, 30: 7, 300: 3}, 1000
AIMS, AIMS_MS = {5: "at most 0.7", 300: "at most 0.8"}, {5: "at most 45"}
SELLER = {
    **dict.fromkeys(("tax_office", "website", "bank", "footer"), ""),
    "name": "Pazaryeri Entegrasyon A.Ş.",
    "tax_id": "1234567890",
    "address": "Bahariye Cad. 12\nKadıköy",
    "email": "fatura@example.com",
    "phone": "+90 216 000 00 00",
    "language": "tr",
    "timezone": "UTC",
    "logo_sha256": None,
}


def run() -> None:
    """Print the CPU time of both in milliseconds, their ratio, and the memory growth over 1,000 PDFs."""
    print(f"{'lines':>6} {'hub ms':>8} {'bare ms':>8} {'ratio':>6}")
    for count in LINES:
        data = invoice_data(count)
        html, style = renderer.to_html(context.TEMPLATES, context.TEMPLATE, data), _style()
        hub, bare = [], []
        for _ in range(ROUNDS[count] + 1):
            hub.append(cpu_ms(functools.partial(renderer.render, context.TEMPLATES, context.TEMPLATE, data)))
            bare.append(cpu_ms(functools.partial(_render_plain, html, style)))
        hub_ms, bare_ms = statistics.median(hub[1:]), statistics.median(bare[1:])  # the first warms up
        print(f"{count:>6} {hub_ms:>8.1f} {bare_ms:>8.1f} {hub_ms / bare_ms:>6.2f}")
        ratios = [one / other for one, other in zip(hub[1:], bare[1:], strict=True)]
        print_figure(f"PDF of {count} lines, hub / plain WeasyPrint", ratios, aim=AIMS.get(count, ""))
        print_figure(f"PDF of {count} lines, ms of CPU", hub[1:], "{:.1f}", AIMS_MS.get(count, ""))
    _memory()


def _style() -> CSS:
    """The parsed style; for a fair comparison plain WeasyPrint gets it parsed too."""
    return CSS((context.TEMPLATES / context.TEMPLATE).with_suffix(".css"))


def _render_plain(html: str, style: CSS) -> None:
    HTML(string=html).write_pdf(stylesheets=[style])


def _memory() -> None:
    data, process, sizes = invoice_data(5), psutil.Process(), []
    for number in range(PDFS + 1):
        renderer.render(context.TEMPLATES, context.TEMPLATE, data)
        if number % (PDFS // 5) == 0:
            sizes.append(process.memory_info().rss / 2**20)
    print(f"MiB after 1, 200 … {PDFS} PDFs: " + ", ".join(f"{size:.0f}" for size in sizes))
    print_figure(f"memory after {PDFS} PDFs / after one", sizes[-1] / sizes[0])


def cpu_ms(work: Callable[[], object]) -> float:
    """The CPU time of ``work`` in milliseconds."""
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def invoice_data(count: int) -> dict[str, Any]:
    """The template context of an invoice with so many lines."""
    items = [{"name": f"Pamuklu tişört, beyaz {n}", "sku": f"TSH-{n}"} for n in range(count)]
    lines = [
        totals.Line(Decimal(n % 7 + 1), Decimal("12.5"), Decimal(0), Decimal((1, 10, 20)[n % 3])) for n in range(count)
    ]
    einvoice = issued_invoice(items, lines)
    return context.build_context(einvoice, issue_facts_of(einvoice), None, None)


def issued_invoice(items: list[dict[str, str]], lines: list[totals.Line], **facts: Any) -> Einvoice:
    """An issued e-invoice that is not stored."""
    values: dict[str, Any] = dict(
        type="sale",
        status="issued",
        invoice_no="EA-2026-000456",
        number=456,
        issued_at=datetime(2026, 2, 1, 12, tzinfo=UTC),
        currency="TRY",
        seller=SELLER,
        reason="",
        notes="",
        marketplace="trendyol",
        marketplace_order_no="TY-ORDER-001",
        **{f"buyer_{name}": "" for name in ("email", "phone", "tax_office", "address", "shipping_address")},
        buyer_name="Ayşe Yılmaz",
        buyer_tax_id="12345678901",
    )
    einvoice = Einvoice(**{**values, **facts})
    draft_lines.set_lines(einvoice, items, lines, totals.compute(lines, 2))
    return einvoice
