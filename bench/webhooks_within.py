"""What the bench of webhooks does in a process with the hub's settings: subscribe, and let events happen."""

from __future__ import annotations

import json
import sys
import time

from sqlalchemy import select

from app import events
from app.accounts import modules, users
from app.events.models import Event
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.sales.events import IMPORTED
from app.webhooks.endpoints import service as webhooks
from wsgi import app


def subscribe(port: str) -> int:
    """An endpoint of a user of its own."""
    with unit_of_work():
        user = users.create_user(
            email="bench@hub.example", password="correct horse battery", role="admin", name="Bench", actor="bench"
        )
        modules.enable(user, "feature.einvoice_webhooks", actor="bench")
        wanted = {"url": f"http://127.0.0.1:{port}/hooks", "events": ["sales.*"], "concurrency": 50}
        wanted["allowances"] = [{"cidr": "127.0.0.0/8", "port": int(port)}]
        return webhooks.create(wanted, user.id, actor="bench", may_allow=True).endpoint.id


def steady(count: str, per_second: str) -> dict[str, float]:
    """Events one by one, so many a second; when each was committed (``time.time()``)."""
    began, committed = time.monotonic(), {}
    first = time.time_ns()
    for number in range(int(count)):
        time.sleep(max(0.0, began + number / float(per_second) - time.monotonic()))
        with unit_of_work():
            events.emit(IMPORTED, _sale(number), subject_id=first + number)
        committed[first + number] = time.time()
    time.sleep(0.5)  # the last nudge leaves in the background
    return _by_event(first, committed)


def flood(count: str) -> dict[str, float]:
    """All events in one transaction."""
    first = time.time_ns()
    with unit_of_work():
        events.emit_many(IMPORTED, [(first + number, _sale(number)) for number in range(int(count))])
    committed = dict.fromkeys(range(first, first + int(count)), time.time())
    time.sleep(0.5)
    return _by_event(first, committed)


def _sale(number: int) -> dict[str, object]:
    return {"id": number, "invoice_no": f"BENCH-{number}", "items": [], "notes": "x" * 300}


def _by_event(first: int, committed: dict[int, float]) -> dict[str, float]:
    rows = db.session.execute(select(Event.uuid, Event.subject_id).where(Event.subject_id >= first))
    return {str(uuid): committed[subject] for uuid, subject in rows}


if __name__ == "__main__":
    with app.app_context():
        print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
