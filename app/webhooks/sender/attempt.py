"""One attempt at one delivery: signed at this moment, posted, and put down as it went out and came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.kernel import clock, json
from app.kernel.secret_box import DecryptionFailed, unseal
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import http_client, signatures
from app.webhooks.sender.claims import Claim
from app.webhooks.sender.ssrf import Allowances

USER_AGENT = "Invoice-Hub-Webhooks/1"
#: Stands for the values of an endpoint's own headers wherever a request is shown.
HIDDEN_VALUE = "•••"


@dataclass(frozen=True, slots=True)
class Receiver:
    """An endpoint as a request needs it, opened; ``fault`` when its secrets cannot be read."""

    url: str
    keys: Sequence[str]
    headers: Mapping[str, str]
    allowances: Allowances
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """An attempt that was made."""

    claim: Claim
    url: str
    started_at: datetime
    #: The values of the endpoint's own headers hidden.
    headers: Mapping[str, str]
    answer: http_client.ReceiverResponse


def open_receiver(endpoint: Endpoint, moment: datetime) -> Receiver:
    """Open an endpoint's secrets; within 24 hours of a rotation the old one still counts."""
    try:
        keys = [unseal(endpoint.secret).decode()]
        if endpoint.previous_secret and endpoint.previous_secret_until and moment < endpoint.previous_secret_until:
            keys.append(unseal(endpoint.previous_secret).decode())
        return Receiver(endpoint.url, keys, custom_headers(endpoint), endpoint.allowances)
    except DecryptionFailed as unreadable:
        return Receiver(endpoint.url, (), {}, (), fault=str(unreadable))


def custom_headers(endpoint: Endpoint) -> dict[str, str]:
    """The endpoint's own headers, opened."""
    opened: dict[str, str] = json.decode(unseal(endpoint.headers)) if endpoint.headers else {}
    return opened


def send(claim: Claim, receiver: Receiver) -> AttemptResult:
    """Make one attempt; never raises for what the receiver does."""
    moment = clock.now()
    if receiver.fault:
        return AttemptResult(claim, receiver.url, moment, {}, http_client.ReceiverResponse(0, error=receiver.fault))
    ours = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Webhook-Event": claim.event,
        "X-Webhook-Attempt": str(claim.attempt),
        "X-Webhook-Sequence": str(claim.sequence),
        "X-Webhook-Position": str(claim.position),
        **signatures.signature_headers(receiver.keys, claim.event_id, moment, claim.body),
    }
    answer = http_client.post(receiver.url, claim.body.encode(), {**receiver.headers, **ours}, receiver.allowances)
    shown = {**dict.fromkeys(receiver.headers, HIDDEN_VALUE), **ours}
    return AttemptResult(claim, receiver.url, moment, shown, answer)
