"""Providers: what takes an e-invoice and says what it made of it."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from app.config import KIB
from app.einvoices.status import Status
from app.kernel import json
from app.kernel.errors import MalformedJson
from app.kernel.messages import N_
from app.kernel.worker.celery_app import HTTP_DEADLINE

MAX_RESPONSE_BYTES = 64 * KIB
_TEMPORARY_CODES = frozenset({408, 425, 429})
_STATUS_BY_PROVIDER_STATUS = {"accepted": Status.ACCEPTED, "rejected": Status.REJECTED}


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """What a provider says at once, and (of the simulator) what it will say later, in seconds from now."""

    status: Status
    provider_status: str
    provider_invoice_id: str | None = None
    raw: Any = None
    later: tuple[tuple[float, Mapping[str, Any]], ...] = field(default=())


class ProviderRejected(Exception):
    """The provider did not take it; ``for_good`` when the same again would come to the same."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.for_good = for_good


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """An e-invoice on its way: the document, the key that tells a repeat, and where it goes."""

    document: Mapping[str, Any]
    key: str
    url: str
    token: str


def accept_locally(parcel: ProviderRequest) -> ProviderResponse:
    """``null``: there is no provider; everything is accepted."""
    return ProviderResponse(Status.ACCEPTED, "accepted", f"NULL-{parcel.document['id']}")


def post(parcel: ProviderRequest) -> ProviderResponse:
    """``http``: POST to the configured address, and take the answer's ``provider_status`` and ``provider_invoice_id``.

    Raises:
        NotTaken: no answer in time, a refusal, or an answer that says nothing.
    """
    if not parcel.url:
        raise ProviderRejected(N_("EINVOICE_PROVIDER_URL is not set."), for_good=True)
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Idempotency-Key": parcel.key}
    if parcel.token:
        headers["Authorization"] = f"Bearer {parcel.token}"
    body = json.encode({"key": parcel.key, "einvoice": parcel.document})
    request = urllib.request.Request(parcel.url, data=body, headers=headers, method="POST")  # noqa: S310 - http or https, proven at start
    try:
        with _opener.open(request, timeout=HTTP_DEADLINE) as answer:
            return _parse_response(_read_limited(answer, time.monotonic() + HTTP_DEADLINE))
    except urllib.error.HTTPError as error:
        with error:
            for_good = 400 <= error.code < 500 and error.code not in _TEMPORARY_CODES  # noqa: PLR2004
            raise ProviderRejected(f"The provider answered {error.code}.", for_good=for_good) from error
    except (OSError, ValueError) as error:
        raise ProviderRejected(f"The provider does not answer: {error}", for_good=False) from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Where the operator said, or nowhere."""


#: The environment's proxies are not ours to use.
_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def _read_limited(answer: Any, deadline: float) -> bytes:
    content = b""
    while chunk := answer.read1(KIB):
        content += chunk
        if time.monotonic() > deadline or len(content) > MAX_RESPONSE_BYTES:
            raise ProviderRejected(N_("The provider's answer is too slow or too large."), for_good=False)
    return content


def _parse_response(content: bytes) -> ProviderResponse:
    try:
        said = json.decode(content)
    except MalformedJson as error:
        raise ProviderRejected(N_("The provider's answer is no JSON."), for_good=False) from error
    word, number = (
        (said.get("provider_status"), said.get("provider_invoice_id")) if isinstance(said, dict) else (None, None)
    )
    if not isinstance(word, str) or not 0 < len(word) <= 100 or not (number is None or isinstance(number, str)):  # noqa: PLR2004
        raise ProviderRejected(N_("The provider's answer has no provider_status."), for_good=False)
    return ProviderResponse(
        _STATUS_BY_PROVIDER_STATUS.get(word.lower(), Status.SENT), word, number and number[:255], said
    )


def simulate(parcel: ProviderRequest) -> ProviderResponse:
    """``simulator``: behaves as ``metadata.simulate`` says, for development and tests.

    ``accept`` (by default), ``reject``, ``late``, ``duplicate``, ``out_of_order``, ``refuse`` and ``fail``.

    Raises:
        NotTaken: for ``refuse`` for good, for ``fail`` at every attempt.
    """
    wish = (parcel.document["metadata"] or {}).get("simulate", "accept")
    if wish == "refuse":
        raise ProviderRejected(N_("The simulator was asked to refuse."), for_good=True)
    if wish == "fail":
        raise ProviderRejected(N_("The simulator was asked to fail."), for_good=False)
    number = f"SIM-{parcel.document['id']}"

    def says(after: float, word: str, true_at: float) -> tuple[float, dict[str, Any]]:
        return after, {"provider_status": word, "provider_invoice_id": number, "true_after": true_at}

    later = {
        "reject": (says(0, "rejected", 0),),
        "late": (says(60, "accepted", 60),),
        "duplicate": (says(0, "accepted", 0), says(0, "accepted", 0)),
        "out_of_order": (says(0, "accepted", 0), says(1, "processing", -1)),
    }
    return ProviderResponse(Status.SENT, "received", number, later=later.get(wish, (says(0, "accepted", 0),)))


PROVIDERS: Mapping[str, Callable[[ProviderRequest], ProviderResponse]] = {
    "null": accept_locally,
    "http": post,
    "simulator": simulate,
}
PROVIDER_NAMES = tuple(PROVIDERS)
