"""Benchmark: pages of lists with 1,000,000 rows behind them compared with 10,000."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable

from flask.testing import FlaskClient

from app.accounts import modules, users
from app.kernel.unit_of_work import unit_of_work
from bench import bench_einvoices, bench_lists
from bench.sizes import Request, hubs, in_turns, run_without_indexes

SMALL, LARGE, ROUNDS, WARM_UP = 10_000, 1_000_000, 30, 5
EMAIL, PASSWORD = "bench@hub.example", "correct horse battery staple"
SALES = {
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
    "e-invoices, whole number": "/admin/einvoices?search=EA-2026-{number:07}",
    "e-invoices, common word": "/admin/einvoices?search=shop",
}


def run() -> None:
    """Print the median time of each page at both sizes in milliseconds, and their ratio."""
    print(f"\nThe same page over HTTP (in process), in alternation, median of {ROUNDS}, ms")
    print(f"{'':<34}{SMALL:>12,}{LARGE:>12,}{'ratio':>8}")
    _compare(SALES, _fill_sales)
    _compare(EINVOICES, _fill_einvoices)
    print("aim: at most 1.5")


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
            print(f"{name:<34}{before:>12.2f}{after:>12.2f}{after / before:>8.2f}", flush=True)


def _fill_sales(url: str, count: int) -> str:
    _create_user()
    run_without_indexes(url, bench_lists.FILL.format(count=count), ("sales_invoices", "sales_items"))
    return "X-Unused: none"


def _fill_einvoices(url: str, count: int) -> str:
    _create_user()
    run_without_indexes(url, bench_einvoices.FILL.format(count=count), ("e_invoices", "e_invoice_pdfs"))
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
    """A function that loads a page, which must have at least one row."""

    def request() -> None:
        answer = client.get(path)
        if answer.status_code != 200 or 'class="row"' not in answer.text:
            raise RuntimeError(f"{path}: {answer.status_code} {answer.text[:200]}")

    return request
