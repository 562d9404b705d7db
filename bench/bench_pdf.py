"""E-invoice PDFs against bare WeasyPrint rendering the same HTML, and the renderer's memory over a thousand."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import psutil
from weasyprint import CSS, HTML

from app.einvoices.lifecycle import drafts, totals
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.pdf import context
from app.pdf import render

LINES, ROUNDS, MANY = (5, 30, 300), {5: 15, 30: 7, 300: 3}, 1000
_SELLER = {
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
    """Print CPU milliseconds of both, their ratio, and what a thousand PDFs add to the process."""
    print(f"{'lines':>6} {'hub ms':>8} {'bare ms':>8} {'ratio':>6}")
    for count in LINES:
        data = _data(count)
        html, style = render.to_html(context.TEMPLATES, context.TEMPLATE, data), _style()
        hub, bare = [], []
        for _ in range(ROUNDS[count] + 1):
            hub.append(_cpu(lambda data=data: render.render(context.TEMPLATES, context.TEMPLATE, data)))
            bare.append(_cpu(lambda html=html, style=style: HTML(string=html).write_pdf(stylesheets=[style])))
        ours, theirs = statistics.median(hub[1:]), statistics.median(bare[1:])  # the first warms up
        print(f"{count:>6} {ours:>8.1f} {theirs:>8.1f} {ours / theirs:>6.2f}")
    _memory()


def _style() -> CSS:
    """Parsed beforehand for both, as who knows WeasyPrint would."""
    return CSS((context.TEMPLATES / context.TEMPLATE).with_suffix(".css"))


def _memory() -> None:
    data, process, seen = _data(5), psutil.Process(), []
    for number in range(MANY + 1):
        render.render(context.TEMPLATES, context.TEMPLATE, data)
        if number % (MANY // 5) == 0:
            seen.append(process.memory_info().rss / 2**20)
    print(f"MiB after 1, 200 … {MANY} PDFs: " + ", ".join(f"{size:.0f}" for size in seen))


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def _data(count: int) -> dict[str, object]:
    items = [{"name": f"Pamuklu tişört, beyaz {n}", "sku": f"TSH-{n}"} for n in range(count)]
    lines = [
        totals.Line(Decimal(n % 7 + 1), Decimal("12.5"), Decimal(0), Decimal((1, 10, 20)[n % 3])) for n in range(count)
    ]
    einvoice = Einvoice(
        type="sale",
        status="issued",
        invoice_no="EA-2026-000456",
        issued_at=datetime(2026, 2, 1, 12, tzinfo=UTC),
        currency="TRY",
        seller=_SELLER,
        reason="",
        notes="",
        marketplace="trendyol",
        marketplace_order_no="TY-ORDER-001",
        **{f"buyer_{name}": "" for name in ("email", "phone", "tax_office", "address", "shipping_address")},
        buyer_name="Ayşe Yılmaz",
        buyer_tax_id="12345678901",
    )
    drafts.fill(einvoice, items, lines, totals.compute(lines, 2))
    return context.data_of(einvoice, None, None)
