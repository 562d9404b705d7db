"""Program that emits events of sales at a fixed rate, each in its own transaction, and prints their number."""

from __future__ import annotations

import sys
import time

from sqlalchemy.exc import OperationalError

from app import events
from app.kernel.unit_of_work import unit_of_work
from app.sales.events import IMPORTED
from wsgi import app


def main(count: int, per_second: float) -> None:
    """Emit ``count`` events; while the database is away, wait for it."""
    began = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        while not _emitted(number):
            time.sleep(0.2)
    time.sleep(0.5)  # the last nudge leaves in the background


def _emitted(number: int) -> bool:
    subject = {"id": number, "invoice_no": f"DRILL-{number}", "items": []}
    try:
        with app.app_context(), unit_of_work():
            events.emit(IMPORTED, subject, subject_id=number)
    except OperationalError:
        return False
    return True


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
