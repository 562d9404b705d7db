"""What ``bench_relay`` runs in processes with the settings of the hub: writers of events."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable

import psycopg

from app import events
from app.kernel.unit_of_work import unit_of_work
from app.sales.events import IMPORTED
from wsgi import app

_COPY = "COPY bench_events (uuid, type, subject_id, body, created_at) FROM STDIN"


def write(seconds: str, per_transaction: str, per_second: str) -> int:
    """Emit events for so many seconds, at most ``per_second``; returns their number. The hub triggers its relay."""
    began, count, size = time.monotonic(), 0, int(per_transaction)
    while (passed := time.monotonic() - began) < float(seconds):
        if count > passed * float(per_second):
            time.sleep(count / float(per_second) - passed)
        with unit_of_work():
            events.emit_many(IMPORTED, [(count + number, _sale(count + number)) for number in range(size)])
        count += size
    return count


def flood(count: str) -> int:
    """Emit all events in one transaction, so that the relay alone decides how long they take."""
    with unit_of_work():
        events.emit_many(IMPORTED, [(number, _sale(number)) for number in range(int(count))])
    time.sleep(0.5)  # a background thread triggers the relay
    return int(count)


def write_bare(seconds: str, per_transaction: str, url: str) -> int:
    """Store rows of the same size by psycopg alone, in a table like that of the events; returns their number."""
    began, count, size = time.monotonic(), 0, int(per_transaction)
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        while time.monotonic() - began < float(seconds):
            with connection.cursor() as cursor, cursor.copy(_COPY) as copy:
                for number in range(size):
                    body = json.dumps({"event": "sales.imported", "data": {"invoice": _sale(count + number)}})
                    copy.write_row(
                        ("00000000-0000-0000-0000-000000000000", "sales.imported", count, body, "2026-01-01")
                    )
            connection.commit()
            count += size
    return count


def _sale(number: int) -> dict[str, object]:
    return {"id": number, "invoice_no": f"BENCH-{number}", "sent": time.time(), "items": [], "notes": "x" * 300}


FUNCTIONS: dict[str, Callable[..., int]] = {"write": write, "flood": flood, "write_bare": write_bare}

if __name__ == "__main__":
    with app.app_context():
        print(json.dumps(FUNCTIONS[sys.argv[1]](*sys.argv[2:])))
