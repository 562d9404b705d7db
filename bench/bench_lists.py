"""Benchmark: lists, deep pages, queues and search with 1,000,000 invoices compared with 10,000.

``ROWS`` changes the number in the large database.
"""

from __future__ import annotations

import statistics

from flask.testing import FlaskClient

from app.kernel import json
from app.kernel.pagination.cursors import encode_cursor
from bench.figures import print_figure
from bench.sizes import Request, get, hubs, in_turns, rows_of_large, run_without_indexes

SMALL, LARGE, ROUNDS, WARM_UP = 10_000, rows_of_large(1_000_000), 60, 10
KEY = "a-key-for-the-benchmarks-of-lists"
LIST = "/api/sales/invoices/"
#: A customer, a rare item and a queue have as many invoices in the small set as in the large one. All invoices are of
#: the last week.
FILL = """
    INSERT INTO customers (code, name, search)
    SELECT 'CUST-' || n, 'Pharmacy ' || n, array_to_tsvector(ARRAY['cust', n::text, 'pharmacy'])
    FROM generate_series(1, {count} / 50) AS n;
    INSERT INTO salesmen (name) SELECT 'Salesman ' || n FROM generate_series(1, 20) AS n;
    INSERT INTO sales_invoices (invoice_no, invoice_date, customer_id, salesman_id, priority, status, billing_status,
        total_amount, search, created_at, updated_at, delivery_type, dispatched_at, delivered_at)
    SELECT 'INV-' || n, date '2024-01-01' + (n::bigint * 700 / {count})::integer, 1 + n % ({count} / 50), 1 + n % 20,
        (ARRAY['LOW', 'MEDIUM', 'HIGH'])[1 + n % 3],
        CASE WHEN n > {count} - 500 THEN 'INVOICED' ELSE 'DELIVERED' END, 'BILLED', 920,
        array_to_tsvector(ARRAY['inv', n::text, 'paracetamol', 'bc', 'item' || (n % 500)]
            || CASE WHEN n % ({count} / 15) = 0 THEN ARRAY['zincovit'] ELSE ARRAY[]::text[] END),
        now() - ({count} - n) * interval '7 days' / {count}, now(),
        CASE WHEN n > {count} - 500 THEN NULL ELSE 'DIRECT' END,
        CASE WHEN n > {count} - 500 THEN NULL ELSE now() - interval '2 days' END,
        CASE WHEN n > {count} - 500 THEN NULL ELSE now() - interval '2 days' END
    FROM generate_series(1, {count}) AS n;
    INSERT INTO sales_items (invoice_id, line_no, name, item_code, barcode, quantity, mrp, line_total)
    SELECT i.id, line, 'Paracetamol 650mg', 'PR650', 'BC-PR650', 10, 46, 460
    FROM sales_invoices i, generate_series(1, 2) AS line;
"""


#: Query of a list that is not counted exactly, and its part of the rows.
_COUNTS = {
    "all": ("", 1.0),
    "a status": ("status=DELIVERED", 1 - 500 / LARGE),
    "a priority": ("priority=HIGH", 1 / 3),
    "a salesman": ("salesman=Salesman%207", 1 / 20),
}


def run() -> None:
    """Print the median time of each query at both sizes in milliseconds, and their ratio."""
    with hubs((SMALL, LARGE), _fill, sales_import_api_keys=(KEY,)) as (few, many):
        small, large = _queries(few, SMALL), _queries(many, LARGE)
        print(f"\nThe same query over HTTP (in process), in alternation, median of {ROUNDS}, ms")
        print(f"{'':<34}{SMALL:>12,}{LARGE:>12,}")
        for name in small:
            before, after = map(statistics.median, in_turns((small[name], large[name]), ROUNDS, WARM_UP))
            print(f"{name:<34}{before:>12.2f}{after:>12.2f}")
            print_figure(f"{name}, {LARGE:,} rows / {SMALL:,}", after / before, aim="at most 1.5")
        for name, (query, part) in _COUNTS.items():
            counted = (many.get(f"{LIST}?{query}").json or {})["count"]
            print_figure(f"count of {name}, estimate / {LARGE:,} rows", counted / (LARGE * part), aim="0.9 to 1.1")


def _fill(url: str, count: int) -> str:
    run_without_indexes(url, FILL.format(count=count), ("sales_invoices", "sales_items"))
    return f"X-Api-Key: {KEY}"


def _queries(client: FlaskClient, count: int) -> dict[str, Request]:
    def request(path: str) -> Request:
        return get(client, path, "results")

    deep = _cursor(count)
    return {
        "first page": request(LIST),
        "first page by cursor": request(f"{LIST}?cursor="),
        "deep page by cursor": request(f"{LIST}?cursor={deep}"),
        "first page of a customer": request(f"{LIST}?customer=CUST-7&cursor="),
        "first page of a status": request(f"{LIST}?status=INVOICED"),
        "search, whole number": request(f"{LIST}?search=INV-{count - 7}"),
        "search, common item": request(f"{LIST}?search=parace&cursor="),
        "search, rare item": request(f"{LIST}?search=zincovit"),
        "search, item and customer": request(f"{LIST}?search=zinco%20pharma&cursor="),
        "queue of picking": request("/api/sales/queues/picking/"),
        "count of all queues": request("/api/sales/queues/"),
    }


def _cursor(count: int) -> str:
    """The cursor of the middle of the list, made here instead of by reading half of the list."""
    return encode_cursor(json.encode([count // 2]))
