"""Lists, deep pages, queues and search at 1,000,000 invoices against the same questions at 10,000."""

from __future__ import annotations

import base64
import statistics

from flask.testing import FlaskClient

from app.kernel import json
from bench.sizes import Ask, get, hubs, in_turns, run_without_indexes

SMALL, LARGE, ROUNDS, WARM_UP = 10_000, 1_000_000, 60, 10
KEY = "a-key-for-the-benches-of-lists"
LIST = "/api/sales/invoices/"
#: A customer, a rare item and a queue have as many invoices in the small set as in the large one.
FILL = """
    INSERT INTO customers (code, name, search)
    SELECT 'CUST-' || n, 'Pharmacy ' || n, array_to_tsvector(ARRAY['cust', n::text, 'pharmacy'])
    FROM generate_series(1, {count} / 50) AS n;
    INSERT INTO salesmen (name) SELECT 'Salesman ' || n FROM generate_series(1, 20) AS n;
    INSERT INTO sales_invoices (invoice_no, invoice_date, customer_id, salesman_id, priority, status, billing_status,
        total_amount, search, created_at, updated_at, delivery_type, dispatched_at, delivered_at)
    SELECT 'INV-' || n, date '2024-01-01' + (n * 700 / {count}), 1 + n % ({count} / 50), 1 + n % 20,
        (ARRAY['LOW', 'MEDIUM', 'HIGH'])[1 + n % 3],
        CASE WHEN n > {count} - 500 THEN 'INVOICED' ELSE 'DELIVERED' END, 'BILLED', 920,
        array_to_tsvector(ARRAY['inv', n::text, 'paracetamol', 'bc', 'item' || (n % 500)]
            || CASE WHEN n % ({count} / 15) = 0 THEN ARRAY['zincovit'] ELSE ARRAY[]::text[] END),
        now(), now(),
        CASE WHEN n > {count} - 500 THEN NULL ELSE 'DIRECT' END,
        CASE WHEN n > {count} - 500 THEN NULL ELSE now() - interval '2 days' END,
        CASE WHEN n > {count} - 500 THEN NULL ELSE now() - interval '2 days' END
    FROM generate_series(1, {count}) AS n;
    INSERT INTO sales_items (invoice_id, line_no, name, item_code, barcode, quantity, mrp, line_total)
    SELECT i.id, line, 'Paracetamol 650mg', 'PR650', 'BC-PR650', 10, 46, 460
    FROM sales_invoices i, generate_series(1, 2) AS line;
"""


def run() -> None:
    """Print the median milliseconds of each question at both sizes, asked in turns, and their ratio."""
    with hubs((SMALL, LARGE), _fill, sales_import_api_keys=(KEY,)) as (few, many):
        small, large = _questions(few, SMALL), _questions(many, LARGE)
        print(f"\nThe same question over HTTP (in process), asked in turns, median of {ROUNDS}, ms")
        print(f"{'':<34}{SMALL:>12,}{LARGE:>12,}{'ratio':>8}")
        for name in small:
            before, after = map(statistics.median, in_turns((small[name], large[name]), ROUNDS, WARM_UP))
            print(f"{name:<34}{before:>12.2f}{after:>12.2f}{after / before:>8.2f}")
    print("aim: at most 1.5")


def _fill(url: str, count: int) -> str:
    run_without_indexes(url, FILL.format(count=count), ("sales_invoices", "sales_items"))
    return f"X-Api-Key: {KEY}"


def _questions(client: FlaskClient, count: int) -> dict[str, Ask]:
    def ask(path: str) -> Ask:
        return get(client, path, "results")

    deep = _cursor(count)
    return {
        "first page": ask(LIST),
        "first page by cursor": ask(f"{LIST}?cursor="),
        "deep page by cursor": ask(f"{LIST}?cursor={deep}"),
        "first page of a customer": ask(f"{LIST}?customer=CUST-7&cursor="),
        "first page of a status": ask(f"{LIST}?status=INVOICED"),
        "search, whole number": ask(f"{LIST}?search=INV-{count - 7}"),
        "search, common item": ask(f"{LIST}?search=parace&cursor="),
        "search, rare item": ask(f"{LIST}?search=zincovit"),
        "search, item and customer": ask(f"{LIST}?search=zinco%20pharma&cursor="),
        "queue of picking": ask("/api/sales/queues/picking/"),
        "count of all queues": ask("/api/sales/queues/"),
    }


def _cursor(count: int) -> str:
    """The cursor of the middle of the list; nobody walks half a million rows to be given it."""
    return base64.urlsafe_b64encode(json.encode([count // 2])).decode().rstrip("=")
