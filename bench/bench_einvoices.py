"""Benchmark: lists of e-invoices with 1,000,000 rows compared with 10,000 rows.

``ROWS`` changes the number in the large database.
"""

from __future__ import annotations

import statistics
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient

from app.accounts import modules, users
from app.accounts.login import sessions
from app.kernel.pagination.cursors import encode_cursor
from app.kernel.unit_of_work import unit_of_work
from bench.figures import print_figure
from bench.sizes import Request, get, hubs, in_turns, rows_of_large, run_without_indexes

SMALL, LARGE, ROUNDS, WARM_UP = 10_000, rows_of_large(1_000_000), 120, 20
LIST = "/api/v1/einvoices"
#: Changes over two years; at both sizes the last 500 are of the last hour.
FILL = """
    INSERT INTO e_invoice_series (owner_id, prefix, year, last_number) SELECT id, 'EA', 2026, {count} FROM users;
    INSERT INTO e_invoices (owner_id, status, type, series_id, number, invoice_no, issued_at, marketplace,
        marketplace_order_no, buyer_name, buyer_email, currency, subtotal, discount_total, tax_total, grand_total,
        provider, created_at, updated_at)
    SELECT u.id,
        CASE WHEN n > {count} - 500 THEN 'issued' WHEN n % 4 = 0 THEN 'sent' ELSE 'accepted' END, 'sale', s.id, n,
        'EA-2026-' || lpad(n::text, 9, '0'), now(), (ARRAY['trendyol', 'n11', 'hepsiburada'])[1 + n % 3],
        'TY-' || n, 'Buyer ' || (n % 5000), 'b' || n || '@shop.example', 'TRY', 100, 0, 20, 120, 'null', now(),
        CASE WHEN n > {count} - 500 THEN now() - interval '1 hour' * ({count} - n) / 500
             ELSE now() - interval '1 day' - interval '700 days' * (({count} - n)::float / {count}) END
    FROM users u, e_invoice_series s, generate_series(1, {count}) AS n;
    INSERT INTO e_invoice_pdfs (einvoice_id, path, sha256, state, due_at)
    SELECT id, 'x', 'x', 'done', now() FROM e_invoices;
"""


def run() -> None:
    """Print the median times of each query at both sizes, their ratio, and the p99 of the large size."""
    with hubs((SMALL, LARGE), _fill) as (few, many):
        small, large = _queries(few, SMALL), _queries(many, LARGE)
        print(f"\nThe same query over HTTP (in process), {ROUNDS} times in alternation, ms")
        print(f"{'':<36}{SMALL:>10,}{LARGE:>12,}")
        for name in small:
            times = in_turns((small[name], large[name]), ROUNDS, WARM_UP)
            before, after = map(statistics.median, times)
            p99 = statistics.quantiles(times[1], n=100)[98]
            print(f"{name:<36}{before:>10.2f}{after:>12.2f}")
            print_figure(f"{name}, {LARGE:,} rows / {SMALL:,}", after / before, aim="at most 1.5")
            print_figure(f"{name}, {LARGE:,} rows, p99 in ms", p99, "{:.1f}", "under 20")


def _fill(url: str, count: int) -> str:
    with unit_of_work():
        facts = {"role": "integrator", "name": "Bench", "actor": "bench"}
        user = users.create_user(email="bench@hub.example", password="correct horse battery staple", **facts)
        modules.enable(user, "feature.einvoice_api", actor="bench")
        token = sessions.open_session(user)["access"]
    run_without_indexes(url, FILL.format(count=count), ("e_invoices", "e_invoice_pdfs"))
    return f"Authorization: Bearer {token}"


def _queries(client: FlaskClient, count: int) -> dict[str, Request]:
    lately, long_ago = _iso(hours=1), _iso(days=1000)
    paths = {
        "first page": "",
        "page 20": "page=20",
        "filter by status, few": "status=issued",
        "filter by status, most": "status=accepted",
        "filter by marketplace": "marketplace=n11",
        "filter by status and marketplace": "status=issued&marketplace=n11",
        "filter by type": "type=sale",
        "first page by cursor": "cursor=",
        "deep page by cursor": f"cursor={_cursor(count // 2)}",
        "status, deep page by cursor": f"status=sent&cursor={_cursor(count // 2)}",
        "updated_since, an hour": f"updated_since={lately}",
        "updated_since, an hour, page 5": f"updated_since={lately}&page=5",
        "updated_since, an hour, status": f"updated_since={lately}&status=issued&page=2",
        "updated_since, all": f"updated_since={long_ago}",
        "updated_since, all, status": f"updated_since={long_ago}&status=accepted",
        "updated_since, all, by cursor": f"updated_since={long_ago}&cursor=",
        "search, whole number": f"search=EA-2026-{count - 7:09}",
        "search, many hits, by cursor": "search=shop&cursor=",
    }
    return {name: get(client, f"{LIST}?{query}", "data") for name, query in paths.items()}


def _iso(**ago: float) -> str:
    return (datetime.now(UTC) - timedelta(**ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cursor(einvoice_id: int) -> str:
    return encode_cursor(str(einvoice_id).encode())
