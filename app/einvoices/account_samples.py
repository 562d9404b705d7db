"""Samples of provider accounts for the API reference."""

from __future__ import annotations

from typing import Any

DRAFT: dict[str, Any] = {
    "name": "Main provider",
    "adapter": "http",
    "url": "https://93.184.215.14/einvoices",
    "lookup_url": "https://93.184.215.14/find",
    "token": "k3Jq9vT2",
    "mapping": "default",
    "document_format": "ubl-tr",
    "is_default": True,
}

ACCOUNT: dict[str, Any] = {
    "id": 7,
    "user_id": 3,
    "name": "Main provider",
    "adapter": "http",
    "mode": "live",
    "state": "ready",
    "url": "https://93.184.215.14/einvoices",
    "lookup_url": "https://93.184.215.14/find",
    "has_token": True,
    "callback_url": "/api/v1/provider-accounts/7/callback",
    "mapping": {"accepted": "accepted", "rejected": "rejected"},
    "document_format": "ubl-tr",
    "concurrency": 4,
    "rate_per_minute": None,
    "allowances": [],
    "is_default": True,
    "enabled": True,
    "tested_at": "2026-02-01T12:00:00.000000Z",
    "test_passed": True,
    "test_message": "The provider answered.",
    "previous_callback_secret_until": None,
    "metadata": None,
    "created_at": "2026-02-01T11:59:00.000000Z",
    "updated_at": "2026-02-01T11:59:00.000000Z",
    "archived_at": None,
}

WITH_SECRET: dict[str, Any] = {
    **ACCOUNT,
    "state": "untested",
    "tested_at": None,
    "test_passed": None,
    "test_message": None,
    "callback_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
}

LIST: dict[str, Any] = {"data": [ACCOUNT], "meta": {"per_page": 20, "next_cursor": None}}

CALLBACK: dict[str, Any] = {
    "invoice_no": "EA-2026-000456",
    "provider_status": "rejected",
    "provider_invoice_id": "PRV-999",
    "occurred_at": "2026-02-01T12:05:00Z",
    "raw": {"reason": "Unknown tax number"},
}

CALLBACK_ANSWER: dict[str, Any] = {
    "einvoice_id": 456,
    "status": "rejected",
    "provider_status": "rejected",
    "repeated": False,
}
