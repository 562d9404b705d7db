"""A receiver of webhooks for drills, and its endpoint."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections import Counter

from tests.drills.figures import Figures, report
from tests.drills.hubs import DrillHub, wait_for
from tests.webhooks.receivers import Received, Receiver

CONCURRENCY = 10


class Watching:
    """Receiver that counts accepted events and checks that the bytes of an event never change."""

    def __init__(self, error_rate: float) -> None:
        self.error_rate = error_rate
        self.taken: Counter[str] = Counter()
        #: Length and digest.
        self.bodies: dict[str, set[tuple[int, bytes]]] = {}
        self._turn = threading.Lock()
        self.receiver = Receiver(self._answer)

    def _answer(self, request: Received) -> tuple[int, dict[str, str], bytes]:
        self.receiver.requests.clear()
        with self._turn:
            event = request["X-Webhook-Id"]
            seen = len(request.body), hashlib.sha256(request.body).digest()
            self.bodies.setdefault(event, set()).add(seen)
            if random.random() < self.error_rate:
                return 500, {}, b"not now"
            self.taken[event] += 1
        return 204, {}, b""

    @property
    def repeats(self) -> int:
        return sum(count - 1 for count in self.taken.values())


def subscribe(hub: DrillHub, headers: dict[str, str], port: int) -> int:
    body = {
        "url": f"http://127.0.0.1:{port}/hooks",
        "events": ["sales.*"],
        "concurrency": CONCURRENCY,
        "allowances": [{"cidr": "127.0.0.0/8", "port": port}],
    }
    status, answer = hub.post("/api/v1/webhooks/endpoints", body, headers=headers)
    assert status == 201, answer
    return int(answer["id"])


def every_event_arrived(hub: DrillHub, endpoint: int, watching: Watching, fault: str, began: float) -> None:
    """Wait for the events of sales since the endpoint was made, and report how many arrived."""
    [(happened,)] = hub.sql(
        "SELECT count(*) FROM events WHERE type LIKE 'sales.%%' "
        "AND created_at > (SELECT created_at FROM webhook_endpoints WHERE id = %s)",
        endpoint,
    )
    wait_for(lambda: len(watching.taken) >= happened, 120)
    lost = happened - len(watching.taken)
    report(Figures(fault, "webhooks", happened, lost, watching.repeats, CONCURRENCY, time.monotonic() - began))
    watching.receiver.close()
