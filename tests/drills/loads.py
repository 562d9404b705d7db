"""Loads of the drills: clients that repeat a request until they know that it was done, and what became of each."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any

from tests.drills.figures import Figures, report
from tests.drills.hubs import DrillHub, wait_for
from tests.factories import a_sale, an_item

LINES = 20
_CREATED, _DUPLICATE = 201, 409


class Imports(AbstractContextManager["Imports"]):
    """ERPs that import invoices on all web processes while the block runs, and repeat each until it is stored.

    Args:
        pause: seconds that each client waits between two invoices.
    """

    def __init__(self, hub: DrillHub, clients: int = 4, *, pause: float = 0.0) -> None:
        self.hub = hub
        self._pause = pause
        self.stored: set[str] = set()
        self.failures: Counter[str] = Counter()
        self._began = time.monotonic()
        self._enough = threading.Event()
        self._numbers = itertools.count()
        self._pool = ThreadPoolExecutor(clients)
        self._clients = [self._pool.submit(self._work, client) for client in range(clients)]

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._enough.set()
        self._pool.shutdown()
        for client in self._clients:
            client.result()

    def _work(self, client: int) -> None:
        while not self._enough.is_set():
            sale = a_sale(
                invoice_no=f"{id(self)}-{client}-{next(self._numbers)}", items=[an_item() for _ in range(LINES)]
            )
            deadline = time.monotonic() + 120
            while not self._imported(sale, next(self._numbers)):
                assert time.monotonic() < deadline, f"{sale['invoice_no']} was not taken: {self.failures}"
                time.sleep(0.1)
            self.stored.add(sale["invoice_no"])
            self._enough.wait(self._pause)

    def _imported(self, sale: dict[str, Any], turn: int) -> bool:
        try:
            status, answer = self.hub.post("/api/sales/import/invoice/", sale, web=turn % len(self.hub.ports))
        except (OSError, http.client.HTTPException) as error:
            self.failures[type(error).__name__] += 1
            return False
        if status in {_CREATED, _DUPLICATE}:
            return True
        assert status in {500, 503}, answer
        self.failures[str(status)] += 1
        return False

    def report(self, fault: str) -> None:
        """Check that each invoice is stored whole, once, with one event that has a position."""
        rows = self.hub.sql(
            "SELECT invoice_no, (SELECT count(*) FROM sales_items i WHERE i.invoice_id = s.id), coalesce(events, 0) "
            "FROM sales_invoices s LEFT JOIN (SELECT subject_id, count(*) AS events FROM events "
            "WHERE type = 'sales.imported' GROUP BY subject_id) e ON e.subject_id = s.id WHERE invoice_no LIKE %s",
            f"{id(self)}-%",
        )
        assert [row for row in rows if row[1] != LINES] == [], "half an invoice"
        assert [row for row in rows if row[2] != 1] == [], "an invoice without its event, or with two"
        wait_for(lambda: self.hub.sql("SELECT count(*) FROM events WHERE position IS NULL") == [(0,)], 30)
        numbers = Counter(row[0] for row in rows)
        lost, twice = self.stored - set(numbers), sum(numbers.values()) - len(numbers)
        seconds = time.monotonic() - self._began
        report(Figures(fault, "invoices", len(self.stored), len(lost), twice, 0, seconds))
