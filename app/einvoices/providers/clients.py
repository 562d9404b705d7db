"""Provider clients: each sends one e-invoice and returns the provider's response."""

from __future__ import annotations

import codecs
import functools
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.config import KIB
from app.einvoices.status import STATUS_BY_PROVIDER_STATUS, Status
from app.kernel import json
from app.kernel.errors import MalformedJson
from app.kernel.http.tls_errors import causes_of, tls_message
from app.kernel.http.tls_trust import client_context
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_
from app.kernel.worker.celery_app import HTTP_DEADLINE

MAX_RESPONSE_BYTES = 64 * KIB
_TEMPORARY_CODES = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """The immediate response of a provider.

    Attributes:
        callbacks: of the simulator: later reports, each with the seconds from now after which it arrives.
    """

    status: Status
    provider_status: str
    provider_invoice_id: str | None = None
    raw: Any = None
    callbacks: tuple[tuple[float, Mapping[str, Any]], ...] = field(default=())


class ProviderRejected(Exception):
    """The provider did not accept the request; ``permanent`` when another attempt would fail in the same way."""

    def __init__(self, reason: str, *, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """An e-invoice to send: the document, the idempotency key, and the address and token of the provider."""

    document: Mapping[str, Any]
    key: str
    url: str
    token: str
    #: Further certificate authorities that the installation trusts.
    ca_file: Path | None = None


def accept_locally(request: ProviderRequest) -> ProviderResponse:
    """``null``: there is no provider; everything is accepted."""
    return ProviderResponse(Status.ACCEPTED, "accepted", f"NULL-{request.document['id']}")


def post(request: ProviderRequest) -> ProviderResponse:
    """``http``: POST to the configured address; reads ``provider_status`` and ``provider_invoice_id`` of the response.

    Raises:
        ProviderRejected: no response in time, an error status, or a response without a status.
    """
    if not request.url:
        raise ProviderRejected(N_("EINVOICE_PROVIDER_URL is not set."), permanent=True)
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": request.key}
    if request.token:
        headers["Authorization"] = f"Bearer {request.token}"
    body = json.encode({"key": request.key, "einvoice": request.document})
    http_request = urllib.request.Request(request.url, data=body, headers=headers, method="POST")  # noqa: S310 - http or https, validated at start
    try:
        with _opener(request.ca_file).open(http_request, timeout=HTTP_DEADLINE) as response:
            return _parse_response(_read_limited(response, time.monotonic() + HTTP_DEADLINE))
    except urllib.error.HTTPError as error:
        with error:
            permanent = 400 <= error.code < 500 and error.code not in _TEMPORARY_CODES  # noqa: PLR2004
            raise ProviderRejected(f"The provider answered {error.code}.", permanent=permanent) from error
    except (OSError, ValueError) as error:
        reason = tls_message(causes_of(error)) or f"The provider does not answer: {error}"
        raise ProviderRejected(reason, permanent=False) from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Refuse every redirect: requests go to the configured address only."""


@functools.cache
def _opener(ca_file: Path | None) -> urllib.request.OpenerDirector:
    """Return the opener of all requests; proxies of the environment are not used."""
    tls = urllib.request.HTTPSHandler(context=client_context(ca_file))
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), tls, _NoRedirects)


def _read_limited(response: Any, deadline: float) -> bytes:
    content = b""
    while chunk := response.read1(KIB):
        content += chunk
        if time.monotonic() > deadline or len(content) > MAX_RESPONSE_BYTES:
            raise ProviderRejected(N_("The provider's answer is too slow or too large."), permanent=False)
    return content


def _parse_response(content: bytes) -> ProviderResponse:
    try:
        raw = _without_nul(json.decode(content.removeprefix(codecs.BOM_UTF8)))
    except MalformedJson as error:
        raise ProviderRejected(N_("The provider's answer is no JSON."), permanent=False) from error
    text, number = (
        (raw.get("provider_status"), raw.get("provider_invoice_id")) if isinstance(raw, dict) else (None, None)
    )
    if isinstance(text, str):
        text = clean_identifier(text)
    if not isinstance(text, str) or not 0 < len(text) <= 100 or not (number is None or isinstance(number, str)):  # noqa: PLR2004
        raise ProviderRejected(N_("The provider's answer has no provider_status."), permanent=False)
    status = STATUS_BY_PROVIDER_STATUS.get(text.lower(), Status.SENT)
    return ProviderResponse(status, text, clean_identifier(number or "")[:255] or None, raw)


def _without_nul(value: Any) -> Any:
    """``value`` with a replacement character for each NUL, which PostgreSQL cannot store."""
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_nul(child) for child in value]
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value


def simulate(request: ProviderRequest) -> ProviderResponse:
    """``simulator``: behaves as ``metadata.simulate`` says, for development and tests.

    Values: ``accept`` (default), ``reject``, ``late``, ``duplicate``, ``out_of_order``, ``refuse`` and ``fail``.

    Raises:
        ProviderRejected: ``refuse`` is permanent; ``fail`` fails at every attempt.
    """
    mode = (request.document["metadata"] or {}).get("simulate", "accept")
    if mode == "refuse":
        raise ProviderRejected(N_("The simulator was asked to refuse."), permanent=True)
    if mode == "fail":
        raise ProviderRejected(N_("The simulator was asked to fail."), permanent=False)
    number = f"SIM-{request.document['id']}"

    def callback(after: float, status: str, true_after: float) -> tuple[float, dict[str, Any]]:
        return after, {"provider_status": status, "provider_invoice_id": number, "true_after": true_after}

    callbacks = {
        "reject": (callback(0, "rejected", 0),),
        "late": (callback(60, "accepted", 60),),
        "duplicate": (callback(0, "accepted", 0), callback(0, "accepted", 0)),
        "out_of_order": (callback(0, "accepted", 0), callback(1, "processing", -1)),
    }
    default = (callback(0, "accepted", 0),)
    return ProviderResponse(Status.SENT, "received", number, callbacks=callbacks.get(mode, default))


PROVIDERS: Mapping[str, Callable[[ProviderRequest], ProviderResponse]] = {
    "null": accept_locally,
    "http": post,
    "simulator": simulate,
}
PROVIDER_NAMES = tuple(PROVIDERS)
