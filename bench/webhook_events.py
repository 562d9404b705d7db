"""Functions that ``bench_webhooks`` runs in a process with the settings of the hub: subscribe, and emit events."""

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
from app.webhooks.models.endpoints import Endpoint
from wsgi import app


def subscribe(port: str) -> int:
    """Create a user with an endpoint; returns the id of the endpoint."""
    with unit_of_work():
        user = users.create_user(
            email="bench@hub.example", password="correct horse battery", role="admin", name="Bench", actor="bench"
        )
        modules.enable(user, "feature.einvoice_webhooks", actor="bench")
        endpoint = {"url": f"http://127.0.0.1:{port}/hooks", "events": ["sales.*"], "concurrency": 50}
        endpoint["allowances"] = [{"cidr": "127.0.0.0/8", "port": int(port)}]
        return webhooks.create(endpoint, user.id, actor="bench", may_allow=True).endpoint.id


def subscribe_many(port: str, count: str) -> int:
    """Create more endpoints of the same user; returns the number of all endpoints."""
    with unit_of_work():
        owner_id = db.session.scalars(select(Endpoint.owner_id)).first()
        for number in range(int(count)):
            endpoint: dict[str, object] = {"url": f"http://127.0.0.1:{port}/hooks/{number}", "events": ["sales.*"]}
            endpoint["allowances"] = [{"cidr": "127.0.0.0/8", "port": int(port)}]
            webhooks.create(endpoint, owner_id, actor="bench", may_allow=True)
        return len(db.session.scalars(select(Endpoint.id)).all())


def steady(count: str, per_second: str) -> dict[str, float]:
    """Emit events at a steady rate; returns the time (``time.time()``) of the commit of each event id."""
    began, committed = time.monotonic(), {}
    first = time.time_ns()
    for number in range(int(count)):
        time.sleep(max(0.0, began + number / float(per_second) - time.monotonic()))
        with unit_of_work():
            events.emit(IMPORTED, _sale(number), subject_id=first + number)
        committed[first + number] = time.time()
    time.sleep(0.5)  # a background thread triggers the relay
    return _by_event(first, committed)


def flood(count: str) -> dict[str, float]:
    """Emit all events in one transaction; returns the same as ``steady``."""
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
