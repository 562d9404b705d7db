"""Helpers of the tests of provider accounts: addresses on loopback, signed callbacks."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from flask.testing import FlaskClient
from standardwebhooks import Webhook

from app.kernel import json
from tests.einvoices.providers.provider_server import StoringProvider

ACCOUNTS = "/api/v1/provider-accounts"


def loopback(store: StoringProvider) -> dict[str, Any]:
    """Addresses of a provider on loopback, and the allowance that they need."""
    allowances = [{"cidr": "127.0.0.0/8", "port": store.server_port}]
    return {"url": f"{store.url}/take", "lookup_url": f"{store.url}/find", "allowances": allowances}


def call_back(client: FlaskClient, account: dict[str, Any], body: Any, **changes: Any) -> Any:
    """Post a callback; ``changes``: ``secret``, ``at`` (seconds from now), ``id``, the body that is ``signed``."""
    text = body if isinstance(body, str) else json.encode_text(body)
    message_id = changes.get("id", f"msg_{uuid.uuid4()}")
    moment = datetime.fromtimestamp(int(datetime.now(UTC).timestamp()) + changes.get("at", 0), UTC)
    secret = changes.get("secret", account["callback_secret"])
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, moment, changes.get("signed", text)),
    }
    url = f"{ACCOUNTS}/{account['id']}/callback"
    return client.post(url, data=text, headers=headers, content_type="application/json")
