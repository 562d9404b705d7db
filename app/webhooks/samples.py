"""Examples of the webhook API for the API reference."""

from __future__ import annotations

from typing import Any

#: An address instead of a name: the hub looks up a name, and accepts the example where no name server answers too.
_URL = "https://93.184.215.14/hooks"

NEW: dict[str, Any] = {
    "url": _URL,
    "events": ["einvoice.*"],
    "description": "ERP of the head office",
    "headers": {"X-Api-Key": "k3Jq9vT2"},
}

ENDPOINT: dict[str, Any] = {
    "id": 7,
    "user_id": 2,
    "url": _URL,
    "description": "ERP of the head office",
    "events": ["einvoice.*"],
    "header_names": ["X-Api-Key"],
    "concurrency": 10,
    "rate_per_minute": None,
    "max_body_bytes": 262_144,
    "allowances": [],
    "metadata": None,
    "status": "enabled",
    "reason": None,
    "waiting_because": None,
    "probe_at": None,
    "last_sequence": 42,
    "previous_secret_until": None,
    "created_at": "2026-02-01T12:00:00.000000Z",
    "updated_at": "2026-02-01T12:00:00.000000Z",
}
LIST: dict[str, Any] = {"data": [ENDPOINT], "meta": {"per_page": 20, "next_cursor": None}}
WITH_SECRET: dict[str, Any] = {**ENDPOINT, "last_sequence": 0, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw…"}
DISABLED: dict[str, Any] = {**ENDPOINT, "status": "disabled", "reason": "The ERP is being moved."}

CHECK: dict[str, Any] = {
    "id": 3,
    "endpoint_id": 7,
    "state": "done",
    "grade": "D",
    "report": {
        "clock_drift_seconds": -0.4,
        "findings": [
            {
                "name": "wrong_signature",
                "expected": "a refusal, such as 401",
                "status": 200,
                "milliseconds": 12,
                "error": None,
                "passed": False,
                "advice": "Anybody may send it events: check the signature, refuse with 401.",
            }
        ],
    },
    "created_at": "2026-02-01T12:00:00.000000Z",
    "finished_at": "2026-02-01T12:00:04.000000Z",
}
CHECK_PENDING: dict[str, Any] = {**CHECK, "state": "pending", "grade": None, "report": None, "finished_at": None}

DELIVERY: dict[str, Any] = {
    "id": 1234,
    "endpoint_id": 7,
    "url": _URL,
    "event": "einvoice.issued",
    "event_id": "6f2c1c1e-3c1b-4a53-9d3e-6f0a2b8f9a11",
    "position": 4711,
    "sequence": 42,
    "subject_id": 456,
    "reference": "EA-2026-000456",
    "state": "pending",
    "is_paused": False,
    "is_on_its_way": False,
    "attempts": 1,
    "next_attempt_at": "2026-02-01T12:01:02.000000Z",
    "response_status": 503,
    "error": "The receiver answered 503.",
    "created_at": "2026-02-01T12:00:00.000000Z",
    "finished_at": None,
}
DELIVERIES: dict[str, Any] = {"data": [DELIVERY], "meta": {"per_page": 20, "next_cursor": 1234}}
DETAIL: dict[str, Any] = {
    **DELIVERY,
    "request_body": '{"event":"einvoice.issued","id":"6f2c1c1e-3c1b-4a53-9d3e-6f0a2b8f9a11",…}',
    "attempt_log": [
        {
            "number": 1,
            "outcome": "failed",
            "started_at": "2026-02-01T12:00:00.040000Z",
            "milliseconds": 31,
            "url": _URL,
            "address": "93.184.215.14",
            "request_headers": {"X-Webhook-Event": "einvoice.issued", "X-Api-Key": "•••"},
            "response_status": 503,
            "response_headers": {"Retry-After": "60"},
            "response_body": "maintenance",
            "error": "The receiver answered 503.",
        }
    ],
}
RECOVERED: dict[str, Any] = {
    "count": 120,
    "first_due_at": "2026-02-01T15:00:00.000000Z",
    "last_due_at": "2026-02-01T15:00:11.900000Z",
}
PULLED: dict[str, Any] = {
    "data": [
        {
            "delivery_id": 1234,
            "sequence": 42,
            "position": 4711,
            "state": "failed",
            "attempts": 6,
            "body": {"event": "einvoice.issued", "id": "6f2c1c1e-3c1b-4a53-9d3e-6f0a2b8f9a11"},
        }
    ],
    "meta": {"next_after": 4711, "head": 4711, "last_sequence": 42},
}
RECONCILIATION: dict[str, Any] = {
    "endpoint_id": 7,
    "status": "enabled",
    "last_sequence": 42,
    "complete_through": 39,
    "delivered": 40,
    "pending": 1,
    "failed": 1,
    "kept_from": 1,
    "gaps": [
        {
            "first": 40,
            "last": 41,
            "pending": 1,
            "failed": 1,
            "oldest_at": "2026-02-01T12:00:00.000000Z",
            "newest_at": "2026-02-01T12:05:00.000000Z",
        }
    ],
    "more_gaps": False,
}
