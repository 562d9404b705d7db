"""Reports to the hub: signed by Standard Webhooks, sent by a thread, repeated until the hub takes them."""

from __future__ import annotations

import http.client
import json
import threading
import urllib.error
import urllib.request
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from app.provider_simulator.document_store import DocumentStore, DueReport

#: Seconds between two searches for due reports, and seconds that the hub has for an answer.
POLL, DEADLINE = 0.2, 10.0
_SUCCESS = range(200, 300)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Refuse every redirect: reports go to the given address only."""


_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects())


class ReportSender:
    """Sends the due reports of a store, in a thread of its own."""

    def __init__(self, store: DocumentStore, instance: str) -> None:
        self._store, self._instance = store, instance
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="reports", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread, after the report that it is sending."""
        self._ended.set()
        self._thread.join(DEADLINE + 1)

    def send_due(self) -> int:
        """Send the due reports; returns their number."""
        due = self._store.due_reports()
        for report in due:
            answer, is_done = _post(report, self._instance, self._store.now())
            self._store.record_answer(report.id, answer, is_done=is_done)
        return len(due)

    def _run(self) -> None:
        while not self._ended.wait(POLL):
            self.send_due()


def _post(report: DueReport, instance: str, now: float) -> tuple[str, bool]:
    """Send one report; returns the hub's answer in words, and whether it was taken."""
    document = report.document
    content = {
        "key": document.key,
        "invoice_no": document.invoice_no,
        "provider_status": report.word,
        "provider_invoice_id": document.number,
        "occurred_at": datetime.fromtimestamp(report.occurred_at, UTC).isoformat(),
        "raw": {"simulator": True, "report": report.id},
    }
    body, moment = json.dumps(content), datetime.fromtimestamp(now, UTC)
    message_id = f"{instance}-{report.id}"
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(report.secret).sign(message_id, moment, body),
    }
    request = urllib.request.Request(report.url, data=body.encode(), headers=headers, method="POST")  # noqa: S310 - http or https, validated when it was set
    try:
        with _opener.open(request, timeout=DEADLINE) as response:
            return str(response.status), response.status in _SUCCESS
    except urllib.error.HTTPError as error:
        with error:
            return str(error.code), False
    except (OSError, ValueError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__, False
