"""Benchmark: sales imports over HTTP, with events and audit, compared with the same writes by plain psycopg."""

from __future__ import annotations

import functools
import json
import socket
import statistics
import uuid
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg

from app.sales.queries.search import invoice_words
from app.sales.samples import INVOICE, PAYLOAD
from bench.figures import print_figure
from bench.hub import KEY, RunningHub, running_hub
from bench.load import Measured, measure

CONNECTIONS, ROUNDS, SECONDS, WARM_UP = 8, 15, 2.0, 0.5


def run() -> None:
    """Print invoices per second, p50 and p99 of both, and the ratio: medians over alternating rounds."""
    bare, http = [], []
    with running_hub() as hub:
        over_http(hub.port)(0)  # stores the customer and the salesman
        load = functools.partial(measure, connections=CONNECTIONS, seconds=SECONDS, warm_up=WARM_UP)
        for number in range(ROUNDS):
            # In alternation, so that other load of the machine affects both.
            bare.append(load(functools.partial(_bare, hub), first=number * 100_000_000 + 1))
            http.append(load(functools.partial(over_http, hub.port), first=number * 100_000_000 + 50_000_001))
    print(f"\nSales import, two items, {CONNECTIONS} connections, {ROUNDS} × {SECONDS:.0f} s each, durable commits")
    print(f"{'':<16}{'invoices/s':>12}{'p50 ms':>9}{'p99 ms':>9}")
    for name, rounds in (("bare psycopg", bare), ("hub over HTTP", http)):
        print(f"{name:<16}{_median(rounds, 0):>12.0f}{_median(rounds, 1):>9.1f}{_median(rounds, 2):>9.1f}")
    ratios = [h.per_second / b.per_second for h, b in zip(http, bare, strict=True)]
    print_figure("hub / bare psycopg", ratios, aim="at least 0.45")
    print_figure("imports a second over HTTP", [each.per_second for each in http], "{:.0f}")


def _median(rounds: list[Measured], column: int) -> float:
    return statistics.median((m.per_second, m.p50, m.p99)[column] for m in rounds)


def over_http(port: int) -> Callable[[int], None]:
    """A connection that imports one invoice per request."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = json.dumps(PAYLOAD).replace("LTPI-77282", "BENCH-%012d")
    head = (
        "POST /api/sales/import/invoice/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"X-API-KEY: {KEY}\r\nContent-Length: {len(body % 0)}\r\n\r\n"
    )
    request = (head + body).encode()

    def work(number: int) -> None:
        connection.sendall(request % number)
        # The answer is one JSON object without braces in strings, so it ends with these braces.
        answer = b""
        while not answer.endswith(b"}}"):
            if not (part := connection.recv(65536)):
                raise RuntimeError(f"The connection was closed after {answer!r}")
            answer += part
        if not answer.startswith(b"HTTP/1.1 201 "):
            raise RuntimeError(repr(answer))

    return work


def _bare(hub: RunningHub) -> Callable[[int], None]:
    """The same rows by plain SQL: customer, salesman, invoice with search words, items, event, call record; commit."""
    connection = psycopg.connect(hub.database_url)
    cursor = connection.cursor()
    customer, items = PAYLOAD["customer"], PAYLOAD["items"]
    body = json.dumps({"event": "sales.imported", "data": {"invoice": INVOICE}})
    words = invoice_words("", "", ({name: item.get(name, "") for name in (*item, "batch_no")} for item in items))

    def one(sql: str, *values: object) -> int:
        row = cursor.execute(sql, values).fetchone()
        if row is None:
            raise RuntimeError(sql)
        return int(row[0])

    def work(number: int) -> None:
        moment = datetime.now(UTC)
        # As in the hub, unchanged master data is only read; here it is always unchanged.
        customer_id = one("SELECT id FROM customers WHERE (code, name) = (%s, %s)", customer["code"], customer["name"])
        salesman_id = one("SELECT id FROM salesmen WHERE name = %s", PAYLOAD["salesman"])
        invoice_id = one(
            "INSERT INTO sales_invoices (invoice_no, invoice_date, customer_id, salesman_id, created_by, priority, "
            "total_amount, search) VALUES (%s, %s, %s, %s, %s, %s, %s, array_to_tsvector(%s)) "
            "ON CONFLICT (invoice_no) DO NOTHING RETURNING id",
            f"BARE-{number:012}",
            PAYLOAD["invoice_date"],
            customer_id,
            salesman_id,
            "admin",
            "HIGH",
            920,
            [*words, f"{number:012}"],
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
