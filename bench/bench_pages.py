"""Benchmark: pages of lists with 1,000,000 rows behind them compared with 10,000.

``ROWS`` changes the number in the large databases.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable

from flask.testing import FlaskClient

from app.accounts import modules, users
from app.kernel.unit_of_work import unit_of_work
from bench import bench_einvoices, bench_lists
from bench.figures import print_figure
from bench.sizes import Request, hubs, in_turns, rows_of_large, run_without_indexes

SMALL, LARGE, ROUNDS, WARM_UP = 10_000, rows_of_large(1_000_000), 30, 5
_CONTENT = re.compile(r'<td class=|class="hits"|class="card chart"')
EMAIL, PASSWORD = "bench@hub.example", "correct horse battery staple"
SALES = {
    "overview, all rows of this week": "/admin",
    "search everywhere, two words": "/admin/search?q=parace+zincovit",
    "sales": "/admin/sales",
    "sales, by number": "/admin/sales?sort=number",
    "sales, by date": "/admin/sales?sort=-date",
    "sales, a status": "/admin/sales?status=INVOICED",
    "sales, whole number": "/admin/sales?search=INV-{number}",
    "sales, common item": "/admin/sales?search=parace",
    "sales, rare item by date": "/admin/sales?search=zincovit&sort=date",
    "queue of picking": "/admin/sales/queue/picking",
    "customers": "/admin/sales/customers",
    "salesmen": "/admin/sales/salesmen",
}
EINVOICES = {
    "e-invoices": "/admin/einvoices",
    "e-invoices, by change": "/admin/einvoices?sort=-changed",
    "e-invoices, a status": "/admin/einvoices?status=issued",
    "e-invoices, whole number": "/admin/einvoices?search=EA-2026-{number:09}",
    "e-invoices, common word": "/admin/einvoices?search=shop",
}
#: Items of 50 rolls, four in a receipt; a fabric has 1,000 rolls, and the newest 500 rolls wait for inspection.
GOODS_FILL = """
    INSERT INTO suppliers (id, name) VALUES (1, 'Bursa Mill');
    INSERT INTO fabrics (name, code) SELECT 'Fabric ' || n, 'FAB-' || lpad(n::text, 4, '0')
    FROM generate_series(1, {count} / 1000) AS n;
    INSERT INTO goods_receipts (supplier_id, invoice_no, created_at, updated_at)
    SELECT 1, 'SUP-' || n, now() - ({count} / 200 - n) * interval '1 minute', now()
    FROM generate_series(1, {count} / 200) AS n;
    INSERT INTO fabric_items (receipt_id, position, fabric_id, color, order_qty, ordering_width, uom_width, uom_length,
        invoice_qty, grn, grn_qty, warehouse, roll_count)
    SELECT (n + 3) / 4, n % 4, 1 + n % ({count} / 1000), 'Colour ' || n % 8, 1000, 145, 'centimeter', 'meter', 1000,
        'GRN-' || n, 5000, 'Warehouse ' || n % 5, 50
    FROM generate_series(1, {count} / 50) AS n;
    INSERT INTO supplier_rolls (fabric_item_id, position, supplier_roll_no, factory_roll_no, supplier_length,
        blanket_qty, inspected_length, inspected_at)
    SELECT (n + 49) / 50, n % 50, 'R-' || n, 'F' || n, 100, 0,
        CASE WHEN n > {count} - 500 THEN NULL ELSE 99 END, CASE WHEN n > {count} - 500 THEN NULL ELSE now() END
    FROM generate_series(1, {count}) AS n;
"""
GOODS = {
    "receipts": "/admin/receipts",
    "receipts, whole roll number": "/admin/receipts?search=R-{number}",
    "receipts, a fabric": "/admin/receipts?fabricId=7",
    "receipts, a colour": "/admin/receipts?color=colour+7",
    "rolls": "/admin/rolls",
    "rolls, by number": "/admin/rolls?sort=number",
    "rolls, to inspect": "/admin/rolls?state=waiting",
    "rolls, whole number": "/admin/rolls?search=R-{number}",
    "rolls, common beginning": "/admin/rolls?search=r-",
    "rolls, a fabric": "/admin/rolls?fabric=FAB-0007&state=inspected",
    "rolls, a colour": "/admin/rolls?color=colour+7",
}
RECORDS_FILL = """
    INSERT INTO api_calls (credential, user_id, method, path, status, milliseconds, address, request_id, created_at)
    SELECT 'token:' || n % 20, 1, 'GET', '/api/v1/einvoices', CASE WHEN n % 100 = 0 THEN 404 ELSE 200 END, 5,
        '10.0.0.1', 'r-' || n, now() - ({count} - n) * interval '1 second'
    FROM generate_series(1, {count}) AS n;
    INSERT INTO audit_entries (action, actor, subject, details, request_id, created_at)
    SELECT CASE WHEN n % 100 = 0 THEN 'token.created' ELSE 'einvoice.issued' END, 'user:' || n % 20, 'einvoice:' || n,
        '{{}}', 'r-' || n, now() - ({count} - n) * interval '1 second'
    FROM generate_series(1, {count}) AS n;
"""
RECORDS = {
    "calls": "/admin/settings/api/logs",
    "calls, a caller": "/admin/settings/api/logs?credential=token:7",
    "calls, a status": "/admin/settings/api/logs?status=404",
    "audit trail": "/admin/audit",
    "audit trail, an action": "/admin/audit?action=token.*",
    "audit trail, an actor": "/admin/audit?actor=user:7",
    "audit trail, an object": "/admin/audit?subject=einvoice:{number}",
}


def run() -> None:
    """Print the median time of each page at both sizes in milliseconds, and their ratio."""
    print(f"\nThe same page over HTTP (in process), in alternation, median of {ROUNDS}, ms")
    print(f"{'':<34}{SMALL:>12,}{LARGE:>12,}")
    _compare(SALES, _fill_sales)
    _compare(EINVOICES, _fill_einvoices)
    _compare(GOODS, _fill_goods)
    _compare(RECORDS, _fill_records)


def _compare(paths: dict[str, str], fill: Callable[[str, int], str]) -> None:
    with hubs((SMALL, LARGE), fill) as clients:
        for client in clients:
            _sign_in(client)
        for name, path in paths.items():
            pages = [
                _page(client, path.format(number=count - 7))
                for client, count in zip(clients, (SMALL, LARGE), strict=True)
            ]
            before, after = map(statistics.median, in_turns(pages, ROUNDS, WARM_UP))
            print(f"{name:<34}{before:>12.2f}{after:>12.2f}")
            print_figure(f"{name}, {LARGE:,} rows / {SMALL:,}", after / before, aim="at most 1.5")


def _fill_sales(url: str, count: int) -> str:
    _create_user()
    run_without_indexes(url, bench_lists.FILL.format(count=count), ("sales_invoices", "sales_items"))
    return "X-Unused: none"


def _fill_einvoices(url: str, count: int) -> str:
    _create_user()
    run_without_indexes(url, bench_einvoices.FILL.format(count=count), ("e_invoices", "e_invoice_pdfs"))
    return "X-Unused: none"


def _fill_goods(url: str, count: int) -> str:
    _create_user()
    run_without_indexes(url, GOODS_FILL.format(count=count), ("fabric_items", "supplier_rolls"))
    return "X-Unused: none"


def _fill_records(url: str, count: int) -> str:
    _create_user()
    run_without_indexes(url, RECORDS_FILL.format(count=count), ("api_calls", "audit_entries"))
    return "X-Unused: none"


def _create_user() -> None:
    with unit_of_work():
        user = users.create_user(email=EMAIL, password=PASSWORD, role="admin", name="Bench", actor="bench")
        modules.enable(user, "feature.einvoice_api", actor="bench")


def _sign_in(client: FlaskClient) -> None:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/admin/sign-in").text)
    data = {"csrf_token": found[1] if found else "", "email": EMAIL, "password": PASSWORD}
    answer = client.post("/admin/sign-in", data=data, headers={"Referer": "http://localhost/admin/sign-in"})
    if answer.status_code != 303:
        raise RuntimeError(f"sign-in: {answer.status_code}")


def _page(client: FlaskClient, path: str) -> Request:
    """A function that loads a page, which must have at least one row, hit or chart."""

    def request() -> None:
        answer = client.get(path)
        if answer.status_code != 200 or not _CONTENT.search(answer.text):
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")

    return request
