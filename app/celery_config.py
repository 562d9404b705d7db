"""Celery's queues, the route of each task, the beat schedule and the canaries of the queues."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class Queue(StrEnum):
    """The queues; ``app/processes.py`` names the worker of each."""

    DEFAULT = "default"
    EVENTS = "events"
    PDF = "pdf"
    PREVIEWS = "previews"
    WEBHOOKS = "webhooks"
    RETRIES = "retries"
    PROVIDERS = "providers"
    OFFICIAL = "official"


#: The queue of each task that does not use ``Queue.DEFAULT``. A task is named after its package and its verb.
ROUTES = {
    "events.relay": Queue.EVENTS,
    "events.purge": Queue.EVENTS,
    "einvoices.print_pdfs": Queue.PDF,
    "einvoices.write_document": Queue.PDF,
    "einvoices.write_sent_documents": Queue.PDF,
    "grn.print_papers": Queue.PDF,
    "einvoices.print_previews": Queue.PREVIEWS,
    "sales.print_papers": Queue.PREVIEWS,
    "einvoices.send": Queue.PROVIDERS,
    "einvoices.check_documents": Queue.OFFICIAL,
    "einvoices.check_requested": Queue.OFFICIAL,
    "einvoices.recheck_documents": Queue.OFFICIAL,
    "evidence.stamp_roots": Queue.PROVIDERS,
    "evidence.mail_roots": Queue.PROVIDERS,
    "webhooks.send_first": Queue.WEBHOOKS,
    "webhooks.send_retries": Queue.RETRIES,
    "webhooks.check_receivers": Queue.RETRIES,
}

#: Task names of release 0.1 and what they are called now: messages and failed tasks with an old name still run.
RENAMED_TASKS = {
    "pdf.print_einvoices": "einvoices.print_pdfs",
    "pdf.print_receipts": "grn.print_papers",
    "webhooks.send": "webhooks.send_first",
    "retries.send": "webhooks.send_retries",
    "retries.check": "webhooks.check_receivers",
    "deliveries.probe": "webhooks.probe",
    "deliveries.purge": "webhooks.purge",
}


def _every(seconds: float, *, expires: float) -> dict[str, Any]:
    """Schedule of a task. A message that waited ``expires`` seconds is dropped, so that messages do not pile up."""
    return {"schedule": seconds, "options": {"expires": expires}}


_PERIODIC_TASKS = {
    "events.relay": _every(1.0, expires=0.9),
    "accounts.purge": _every(600.0, expires=300),
    "evidence.seal_days": _every(300.0, expires=290),
    "evidence.stamp_roots": _every(60.0, expires=50),
    "evidence.mail_roots": _every(60.0, expires=50),
    "einvoices.print_pdfs": _every(15.0, expires=14),
    "einvoices.write_sent_documents": _every(5.0, expires=4.5),
    "grn.print_papers": _every(15.0, expires=14),
    "einvoices.print_previews": _every(15.0, expires=14),
    "sales.print_papers": _every(15.0, expires=14),
    "einvoices.send": _every(2.0, expires=1.9),
    "einvoices.check_documents": _every(15.0, expires=14),
    "einvoices.check_requested": _every(15.0, expires=14),
    "einvoices.recheck_documents": _every(600.0, expires=300),
    "einvoices.look_up": _every(30.0, expires=25),
    "einvoices.end_archived": _every(30.0, expires=25),
    "einvoices.apply_callbacks": _every(5.0, expires=4),
    "einvoices.compact": _every(60.0, expires=50),
    "webhooks.send_first": _every(1.0, expires=0.9),
    "webhooks.send_retries": _every(2.0, expires=1.9),
    "webhooks.check_receivers": _every(10.0, expires=9),
    "webhooks.probe": _every(30.0, expires=25),
    "webhooks.purge": _every(3600.0, expires=1800),
    "events.purge": _every(600.0, expires=300),
    "operations.remove_files": _every(60.0, expires=50),
    "operations.make_partitions": _every(600.0, expires=300),
    "operations.purge": _every(3600.0, expires=300),
    "stream.purge_tickets": _every(600.0, expires=300),
}

#: Seconds between the canaries of each queue; ``app/operations/monitoring/queue_health.py`` reads them. Queues with
#: long tasks get longer intervals: a long document or a round of deliveries delays the canary, and that is no fault.
_LONG_TASKS = {
    Queue.PDF: 15.0,
    Queue.PREVIEWS: 15.0,
    Queue.WEBHOOKS: 20.0,
    Queue.RETRIES: 20.0,
    Queue.PROVIDERS: 60.0,
    Queue.OFFICIAL: 30.0,
}
CANARY_SECONDS = {queue.value: _LONG_TASKS.get(queue, 4.0) for queue in sorted(Queue)}

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    **{name: {"task": name, **schedule} for name, schedule in _PERIODIC_TASKS.items()},
    **{
        f"operations.canary.{queue}": {
            "task": "operations.canary",
            "args": [queue],
            "schedule": seconds,
            "options": {"queue": queue, "expires": seconds - 1},
        }
        for queue, seconds in CANARY_SECONDS.items()
    },
}
