"""Sales imports over HTTP, with events and audit, against bare psycopg doing the same writes."""

from __future__ import annotations

import functools
import json
import socket
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg

from app.sales.samples import INVOICE, PAYLOAD
from bench.hub import KEY, RunningHub, running_hub
from bench.load import measure

CONNECTIONS, SECONDS, WARM_UP = 8, 10.0, 3.0


def run() -> None:
    """Print invoices a second, p50 and p99 of both, and the ratio."""
    with running_hub() as hub:
        load = functools.partial(measure, connections=CONNECTIONS, seconds=SECONDS, warm_up=WARM_UP)
        bare = load(functools.partial(_bare, hub), first=1)
        http = load(functools.partial(_http, hub), first=500_000_001)
        again = load(functools.partial(_bare, hub), first=1_000_000_001)
    yardstick = max(bare.per_second, again.per_second)
    print(f"\nSales import, two items, {CONNECTIONS} connections, {SECONDS:.0f} s each, durable commits")
    print(f"{'':<34}{'invoices/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for name, measured in (("bare psycopg", bare), ("hub over HTTP", http), ("bare psycopg, again", again)):
        print(f"{name:<34}{measured.per_second:>12.0f}{measured.p50:>9.1f}{measured.p99:>9.1f}")
    print(f"hub / bare psycopg: {http.per_second / yardstick:.0%} (aim: at least 35 %)")


def _http(hub: RunningHub) -> Callable[[int], None]:
    connection = socket.create_connection(("127.0.0.1", hub.port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    reader = connection.makefile("rb")
    body = json.dumps(PAYLOAD).replace("LTPI-77282", "BENCH-%012d")
    head = (
        "POST /api/sales/import/invoice/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-API-KEY: {KEY}\r\nContent-Length: {len(body % 0)}\r\n\r\n"
    )

    def work(number: int) -> None:
        connection.sendall((head + body % number).encode())
        status = reader.readline()
        length = 0
        while (line := reader.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line[15:])
        answer = reader.read(length)
        if b" 201 " not in status:
            raise RuntimeError(f"{status!r}: {answer!r}")

    return work


def _bare(hub: RunningHub) -> Callable[[int], None]:
    """The same rows by hand: read customer and salesman, write invoice, items, event and call record, commit."""
    connection = psycopg.connect(hub.database_url)
    cursor = connection.cursor()
    customer, items = PAYLOAD["customer"], PAYLOAD["items"]
    body = json.dumps({"event": "sales.imported", "data": {"invoice": INVOICE}})

    def one(sql: str, *values: object) -> int | None:
        row = cursor.execute(sql, values).fetchone()
        return row[0] if row else None

    def work(number: int) -> None:
        moment = datetime.now(UTC)
        customer_id = one("SELECT id FROM customers WHERE code = %s", customer["code"]) or one(
            "INSERT INTO customers (code, name) VALUES (%s, %s) "
            "ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING id",
            customer["code"],
            customer["name"],
        )
        salesman_id = one("SELECT id FROM salesmen WHERE name = %s", PAYLOAD["salesman"]) or one(
            "INSERT INTO salesmen (name) VALUES (%s) "
            "ON CONFLICT (name) DO UPDATE SET name = excluded.name RETURNING id",
            PAYLOAD["salesman"],
        )
        invoice_id = one(
            "INSERT INTO sales_invoices (invoice_no, invoice_date, customer_id, salesman_id, created_by, priority, "
            "total_amount) VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (invoice_no) DO NOTHING RETURNING id",
            f"BARE-{number:012}",
            PAYLOAD["invoice_date"],
            customer_id,
            salesman_id,
            "admin",
            "HIGH",
            920,
        )
        values = [
            value
            for line, item in enumerate(items, 1)
            for value in (
                invoice_id,
                line,
                *(item[name] for name in ("name", "item_code", "barcode", "quantity", "mrp")),
                item["quantity"] * item["mrp"],
                *(item[name] for name in ("company_name", "packing", "shelf_location")),
            )
        ]
        cursor.execute(
            "INSERT INTO sales_items (invoice_id, line_no, name, item_code, barcode, quantity, mrp, line_total, "
            "company_name, packing, shelf_location) VALUES "
            + ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(items)),
            values,
        )
        cursor.execute(
            "INSERT INTO events (uuid, type, subject_id, body, request_id, created_at) VALUES (%s, %s, %s, %s, %s, %s)",
            (uuid.uuid4(), "sales.imported", invoice_id, body, "0" * 32, moment),
        )
        cursor.execute(
            "INSERT INTO api_calls (credential, method, path, status, milliseconds, address, request_id, created_at) "
            "VALUES (%s, 'POST', '/api/sales/import/invoice/', 201, 1.0, '127.0.0.1', %s, %s)",
            ("api_key:env", "0" * 32, moment),
        )
        connection.commit()

    return work
