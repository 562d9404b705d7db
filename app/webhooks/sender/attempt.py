"""One attempt at a delivery: decrypt the endpoint's secrets, sign the body, send the request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from flask import current_app
from requests.structures import CaseInsensitiveDict

from app.kernel import clock, json
from app.kernel.outbound.ssrf import Allowances
from app.kernel.secret_box import DecryptionFailed, unseal
from app.webhooks.models.endpoints import Endpoint
from app.webhooks.sender import http_client, signatures
from app.webhooks.sender.claims import Claim

USER_AGENT = "Invoice-Hub-Webhooks/1"
#: Replaces the values of an endpoint's custom headers in the stored request.
HIDDEN_VALUE = "•••"


@dataclass(frozen=True, slots=True)
class Receiver:
    """An endpoint with its decrypted secrets and headers; ``fault`` says why they cannot be decrypted."""

    url: str
    keys: Sequence[str]
    headers: Mapping[str, str]
    allowances: Allowances
    #: Further certificate authorities that the installation trusts.
    ca_file: Path | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class AttemptResult:
    """The request and the response of an attempt."""

    claim: Claim
    url: str
    started_at: datetime
    #: All headers as they were written; values of the endpoint's custom headers are hidden.
    headers: Mapping[str, str]
    response: http_client.ReceiverResponse


def open_receiver(endpoint: Endpoint, moment: datetime) -> Receiver:
    """Decrypt the secrets of an endpoint; the previous one is included until its grace period ends."""
    try:
        keys = [unseal(endpoint.secret).decode()]
        if endpoint.previous_secret and endpoint.previous_secret_until and moment < endpoint.previous_secret_until:
            keys.append(unseal(endpoint.previous_secret).decode())
        ca_file = current_app.config["TRUSTED_CA_FILE"]
        return Receiver(endpoint.url, keys, custom_headers(endpoint), endpoint.allowances, ca_file)
    except DecryptionFailed as error:
        return Receiver(endpoint.url, (), {}, (), fault=str(error))


def custom_headers(endpoint: Endpoint) -> dict[str, str]:
    """Decrypt the custom headers of an endpoint."""
    headers: dict[str, str] = json.decode(unseal(endpoint.headers)) if endpoint.headers else {}
    return headers


def send(claim: Claim, receiver: Receiver) -> AttemptResult:
    """Make one attempt; errors of the receiver or its address are in the result, never raised."""
    moment = clock.now()
    if receiver.fault:
        return AttemptResult(claim, receiver.url, moment, {}, http_client.ReceiverResponse(0, error=receiver.fault))
    hub_headers = {
        "Content-Type": "application/json",
        "User-Agent": USER_AGENT,
        "X-Webhook-Event": claim.event,
        "X-Webhook-Attempt": str(claim.attempt),
        "X-Webhook-Sequence": str(claim.sequence),
        "X-Webhook-Position": str(claim.position),
        **signatures.signature_headers(receiver.keys, claim.event_id, moment, claim.body),
    }
    headers = {**receiver.headers, **hub_headers}
    body = claim.body.encode()
    response = http_client.post(receiver.url, body, headers, receiver.allowances, ca_file=receiver.ca_file)
    sent = _hide_values(response.request_headers or headers, receiver.headers)
    return AttemptResult(claim, receiver.url, moment, sent, response)


def _hide_values(headers: Mapping[str, str], hidden: Mapping[str, str]) -> dict[str, str]:
    secret = CaseInsensitiveDict(hidden)
    return {name: HIDDEN_VALUE if name in secret else value for name, value in headers.items()}
