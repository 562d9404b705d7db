"""Benchmark: goods receipts with 500,000 rolls compared with 10,000; times should be equal.

``ROWS`` changes the number of rolls in the large database.
"""

from __future__ import annotations

import logging
import statistics

import sqlalchemy as sa
from flask.testing import FlaskClient

from app.accounts import users
from app.accounts.login import sessions
from app.extensions import db
from app.grn import samples
from app.grn.demo import make_demo
from app.kernel.unit_of_work import unit_of_work
from bench.figures import print_figure
from bench.sizes import Request, get, hubs, in_turns, rows_of_large

SMALL, LARGE = 10_000, rows_of_large(500_000)
ITEMS, ROLLS = 2, 20
ROUNDS, WARM_UP = 40, 10
#: The largest accepted ratio of the times at both sizes.
MAX_RATIO = 2.0

_FILL = """
INSERT INTO goods_receipts (id, external_id, supplier_id, invoice_no, erp_invoice_no, created_at, updated_at)
SELECT 1000 + n, 'E' || n, CASE WHEN n % 100 = 0 THEN 2 ELSE 1 END, 'INV-' || n, 'ERP-' || n,
    now() - n * interval '1 minute', now()
FROM generate_series(1, :receipts) n;
INSERT INTO fabric_items (id, receipt_id, position, fabric_id, color, external_order_ids, order_qty, ordering_width,
    uom_width, uom_length, invoice_qty, grn, grn_qty, grn_date, warehouse, roll_count)
SELECT 1000 + (n - 1) * :items + i, 1000 + n, i, 1, 'Color ' || n % (:receipts / 10), ARRAY[(n % 1000)::text],
    1000, 145, 'centimeter', 'meter', 1000, 'GRN-' || n || '-' || i, 100 * :rolls, DATE '2024-01-01' + n % 365,
    'wh-' || n % 5, :rolls
FROM generate_series(1, :receipts) n, generate_series(1, :items) i;
INSERT INTO supplier_rolls (fabric_item_id, position, supplier_roll_no, factory_roll_no, supplier_length,
    supplier_width, blanket_qty)
SELECT item.id, r, 'R' || item.id || '-' || r, 'F' || item.id || '-' || r, 100, 145, 0
FROM fabric_items item, generate_series(1, :rolls) r WHERE item.id >= 1000;
INSERT INTO fabric_ledger_rows (fabric_item_id, type, out_type, qty, created_by, created_at)
SELECT id, 'OUT', 'Sampling', 2.5, 'bench', now() FROM fabric_items;
SELECT setval(pg_get_serial_sequence('goods_receipts', 'id'), (SELECT max(id) FROM goods_receipts));
SELECT setval(pg_get_serial_sequence('fabric_items', 'id'), (SELECT max(id) FROM fabric_items));
"""

_READS = {
    "first page": "/api/invoices",
    "sorted by invoice number": "/api/invoices?sort=invoiceNo,asc",
    "of one externalId": "/api/invoices?externalId=E200",
    "of one GRN": "/api/invoices?grn=grn-150-1",
    "of one order": "/api/invoices?externalOrderId=77",
    "of one fabric and colour": "/api/invoices?fabricId=1&color=Color%207",
    "of one supplier, nearly all": "/api/invoices?supplierId=1",
    "of one warehouse, a fifth": "/api/invoices?warehouse=wh-3",
    "search that matches all": "/api/invoices?search=inv",
    "the same, by invoice number": "/api/invoices?search=inv&sort=invoiceNo,asc",
    "search, all but by GRN alone": "/api/invoices?search=grn",
    "search, start of a number": "/api/invoices?search=inv-20",
    "search, whole roll number": "/api/invoices?search=f1200-7",
    "roll number": "/api/invoices?rollNo=R1200-7",
    "one receipt": "/api/invoices/1100",
    "rolls of an item": "/api/invoices/1100/fabric-items/1200/rolls",
    "balance of an item": "/api/invoices/1100/fabric-items/1200/balance",
    "balance of fabric and colour": "/api/fabrics/1/balances?color=Color%207",
}


def run() -> None:
    """Print the table; the two columns of each row are measured in alternation."""
    logging.disable(logging.WARNING)
    with hubs((SMALL, LARGE), _fill) as clients:
        print(f"Goods receipts, median of {ROUNDS} requests each, in milliseconds")
        print(f"{'':32}{SMALL:>10,} {LARGE:>10,} rolls")
        requests = {name: [get(client, path) for client in clients] for name, path in _READS.items()}
        for name, pair in {**requests, "book in two rolls": [_book(client) for client in clients]}.items():
            small, large = map(statistics.median, in_turns(pair, ROUNDS, WARM_UP))
            print(f"{name:32}{small:10.1f} {large:10.1f}")
            print_figure(f"{name}, {LARGE:,} rolls / {SMALL:,}", large / small, aim=f"at most {MAX_RATIO}")


def _book(client: FlaskClient) -> Request:
    def book() -> None:
        answer = client.post("/api/invoices", json={**samples.PAYLOAD, "externalId": None})
        if answer.status_code >= 400:
            raise RuntimeError(answer.text)

    return book


def _fill(_url: str, rolls: int) -> str:
    with unit_of_work():
        make_demo()
        facts = {"role": "admin", "name": "Clerk", "actor": "bench"}
        user = users.create_user(email="clerk@bench.example", password="a password of benchmarks", **facts)
        token = sessions.open_session(user)["access"]
        db.session.execute(sa.text("INSERT INTO suppliers (id, name) VALUES (2, 'Other')"))
        sizes = {"receipts": rolls // (ITEMS * ROLLS), "items": ITEMS, "rolls": ROLLS}
        for statement in filter(str.strip, _FILL.split(";\n")):
            used = {name: size for name, size in sizes.items() if f":{name}" in statement}
            db.session.execute(sa.text(statement), used)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE"))
    return f"Authorization: Bearer {token}"
