"""``http``: sends an e-invoice to the address of a provider, and looks it up there."""

from __future__ import annotations

import codecs
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
from urllib3.exceptions import HTTPError

from app.config import KIB
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.status import STATUS_BY_PROVIDER_STATUS, OwnWord, Status, is_own_word, word_key
from app.kernel import json
from app.kernel.errors import MalformedJson
from app.kernel.http.tls_errors import causes_of, tls_message
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_
from app.kernel.outbound import ssrf
from app.kernel.outbound.connection_errors import plain_message
from app.kernel.outbound.http_connection import CONNECT_SECONDS, ActiveRequest, pinned_session
from app.kernel.worker.celery_app import HTTP_DEADLINE

MAX_RESPONSE_BYTES = 64 * KIB
#: Seconds for a look-up, which may come before a sending in the same task.
LOOK_UP_DEADLINE = 5
_TEMPORARY_CODES = frozenset({408, 425, 429})
_CREDENTIAL_CODES = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_REQUEST_ERRORS = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The answer of a provider: its status code and its body, which is read of a success and of "not found" only."""

    code: int
    body: bytes = b""

    @property
    def is_success(self) -> bool:
        return 200 <= self.code < 300  # noqa: PLR2004

    @property
    def says_not_found(self) -> bool:
        """Whether it is a 404 with ``{"found": false}``; a wrong address answers 404 too."""
        if self.code != HTTPStatus.NOT_FOUND:
            return False
        try:
            said = json.decode(self.body.removeprefix(codecs.BOM_UTF8))
        except MalformedJson:
            return False
        return isinstance(said, dict) and said.get("found") is False


def post(request: ProviderRequest) -> ProviderResponse:
    """POST to the configured address; reads ``provider_status`` and ``provider_invoice_id`` of the response.

    Raises:
        ProviderRejected: no response in time, an error status, or a response without a status.
    """
    if not request.url:
        raise ProviderRejected(N_("EINVOICE_PROVIDER_URL is not set."), permanent=True, in_doubt=False)
    body = json.encode(request.content)
    headers = {"Content-Type": "application/json", "Idempotency-Key": request.key}
    answer = _exchange("POST", request.url, request, HTTP_DEADLINE, headers=headers, body=body)
    if not answer.is_success:
        raise _rejected_with(answer.code)
    return _parse_response(answer.body)


def look_up(request: ProviderRequest) -> ProviderResponse | None:
    """GET the response that the provider gave to the e-invoice, by its key and number; None if it does not have it.

    Raises:
        ProviderRejected: any response but 200 and a clear "not found", or none in time: the e-invoice stays in doubt.
    """
    parts = urlsplit(request.lookup_url)
    asked = urlencode({"key": request.key, "invoice_no": request.document["invoice_no"]})
    url = urlunsplit(parts._replace(query=f"{parts.query}&{asked}" if parts.query else asked))
    answer = _exchange("GET", url, request, LOOK_UP_DEADLINE)
    if answer.says_not_found:
        return None
    if answer.code != HTTPStatus.OK:
        raise _rejected_with(answer.code)
    return _parse_response(answer.body)


def check(request: ProviderRequest) -> None:
    """Check that the provider answers and lets the hub in, without sending anything.

    It looks up a key that nobody has, which must not be found; a provider without a look-up gets ``HEAD`` at the
    address of sendings, to which every answer but 401, 403 and 5xx is fine.

    Raises:
        ProviderRejected: it does not answer, or refuses the hub, or finds what nobody sent.
    """
    if request.lookup_url:
        if look_up(request) is not None:
            raise ProviderRejected(
                N_("The look-up finds an e-invoice that nobody sent."), permanent=True, in_doubt=False
            )
        return
    code = _exchange("HEAD", request.url, request, LOOK_UP_DEADLINE).code
    if code >= 500 or code in _CREDENTIAL_CODES:  # noqa: PLR2004
        raise _rejected_with(code)


def _headers(request: ProviderRequest) -> dict[str, str]:
    authorization = {"Authorization": f"Bearer {request.token}"} if request.token else {}
    # A connection that is used again may have been closed meanwhile: then nobody knows whether the request arrived.
    return {"Accept": "application/json", "Connection": "close", **authorization}


def _exchange(
    method: str,
    url: str,
    request: ProviderRequest,
    deadline: float,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> _Answer:
    """Exchange one request and its answer; name resolution and connection count towards ``deadline``, in seconds.

    Raises:
        ProviderRejected: there is no complete answer; it is in doubt if a connection was made.
    """
    active = ActiveRequest(time.monotonic() + deadline)
    try:
        addresses = _addresses(url, request)
        with active.closing_at_end():
            session = pinned_session(addresses, request.ca_file, active)
            sent = {**_headers(request), **(headers or {})}
            with session.request(method, url, data=body, headers=sent, stream=True) as response:
                answer = _Answer(response.status_code)
                is_missing = method == "GET" and answer.code == HTTPStatus.NOT_FOUND
                if is_missing or (answer.is_success and method != "HEAD"):
                    answer = _Answer(response.status_code, _read_limited(response, active))
            active.seconds_left()  # what the deadline cut can look like a whole answer
            return answer
    except _REQUEST_ERRORS as failure:
        reason = _reason(failure, active, deadline)
        raise ProviderRejected(reason, permanent=False, in_doubt=active.is_connected) from failure


def _reason(failure: Exception, active: ActiveRequest, deadline: float) -> str:
    if active.is_expired:
        return f"The provider did not answer completely within {deadline:g} seconds."
    reason = tls_message(causes_of(failure))
    return reason or f"The provider does not answer: {plain_message(failure, CONNECT_SECONDS)}"


def _addresses(url: str, request: ProviderRequest) -> Sequence[str]:
    """The IP addresses to connect to: of an account the one that was checked, of the settings all of the host."""
    try:
        target = ssrf.parse_target(url)
        if request.allowances is None:
            return ssrf.resolve_host(target.host, target.port)
        return [ssrf.resolve_target(target, request.allowances)]
    except ssrf.AddressError as fault:
        is_rule = isinstance(fault, ssrf.Refused) and request.allowances is not None
        raise ProviderRejected(str(fault.message), permanent=is_rule, in_doubt=False) from fault


def _rejected_with(code: int) -> ProviderRejected:
    """The failure of a response with this status.

    A 4xx says that the provider did not take the request; only 409 may mean that it has the e-invoice already.
    """
    is_refusal = 400 <= code < 500  # noqa: PLR2004
    return ProviderRejected(
        f"The provider answered {code}.",
        permanent=is_refusal and code not in _TEMPORARY_CODES,
        in_doubt=not is_refusal or code == HTTPStatus.CONFLICT,
        number_taken=code == HTTPStatus.CONFLICT,
        refuses_credentials=code in _CREDENTIAL_CODES,
    )


def _read_limited(response: Any, active: ActiveRequest) -> bytes:
    content = b""
    while chunk := response.raw.read1(KIB, decode_content=False):
        content += chunk
        active.seconds_left()
        if len(content) > MAX_RESPONSE_BYTES:
            raise ProviderRejected(N_("The provider's answer is too large."), permanent=False, in_doubt=True)
    return content


def _parse_response(content: bytes) -> ProviderResponse:
    try:
        raw = _without_nul(json.decode(content.removeprefix(codecs.BOM_UTF8)))
    except MalformedJson as error:
        raise ProviderRejected(N_("The provider's answer is no JSON."), permanent=False, in_doubt=True) from error
    text, number = (
        (raw.get("provider_status"), raw.get("provider_invoice_id")) if isinstance(raw, dict) else (None, None)
    )
    if isinstance(text, str):
        text = clean_identifier(text)
    if not isinstance(text, str) or not 0 < len(text) <= 100 or not (number is None or isinstance(number, str)):  # noqa: PLR2004
        raise ProviderRejected(N_("The provider's answer has no provider_status."), permanent=False, in_doubt=True)
    if is_own_word(text):
        text = OwnWord.TAKEN.value
    status = STATUS_BY_PROVIDER_STATUS.get(word_key(text), Status.SENT)
    return ProviderResponse(status, text, clean_identifier(number or "")[:255] or None, raw)


def _without_nul(value: Any) -> Any:
    """``value`` with a replacement character for each NUL, which PostgreSQL cannot store."""
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_nul(child) for child in value]
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
