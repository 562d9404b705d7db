"""``http``: sends an e-invoice to the address of a provider, and looks it up there."""

from __future__ import annotations

import codecs
import http.client
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from app.config import KIB
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.providers.pinned_line import NotConnected, PinnedLine
from app.einvoices.status import STATUS_BY_PROVIDER_STATUS, OwnWord, Status, is_own_word
from app.kernel import json
from app.kernel.errors import MalformedJson
from app.kernel.http.tls_errors import causes_of, tls_message
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_
from app.kernel.outbound import ssrf
from app.kernel.worker.celery_app import HTTP_DEADLINE

MAX_RESPONSE_BYTES = 64 * KIB
#: Seconds for a look-up, which may come before a sending in the same task.
LOOK_UP_DEADLINE = 5
_TEMPORARY_CODES = frozenset({408, 425, 429})


def post(request: ProviderRequest) -> ProviderResponse:
    """POST to the configured address; reads ``provider_status`` and ``provider_invoice_id`` of the response.

    Raises:
        ProviderRejected: no response in time, an error status, or a response without a status.
    """
    if not request.url:
        raise ProviderRejected(N_("EINVOICE_PROVIDER_URL is not set."), permanent=True, in_doubt=False)
    body = json.encode({"key": request.key, "einvoice": request.document})
    headers = {**_headers(request), "Content-Type": "application/json", "Idempotency-Key": request.key}
    http_request = urllib.request.Request(request.url, data=body, headers=headers, method="POST")  # noqa: S310 - http or https, validated
    return _parse_response(_exchange(http_request, request, HTTP_DEADLINE))


def look_up(request: ProviderRequest) -> ProviderResponse | None:
    """GET the response that the provider gave to the e-invoice, by its key and number; None if it does not have it.

    A wrong address answers 404 too, so "it does not have it" needs a 404 with ``{"found": false}``.

    Raises:
        ProviderRejected: any other response than 200 or this 404, or none in time: the e-invoice stays in doubt.
    """
    parts = urlsplit(request.lookup_url)
    asked = urlencode({"key": request.key, "invoice_no": request.document["invoice_no"]})
    url = urlunsplit(parts._replace(query=f"{parts.query}&{asked}" if parts.query else asked))
    http_request = urllib.request.Request(url, headers=_headers(request))  # noqa: S310 - http or https, validated
    try:
        return _parse_response(_exchange(http_request, request, LOOK_UP_DEADLINE))
    except _Answered as answered:
        if answered.says_not_found:
            return None
        raise


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
    http_request = urllib.request.Request(request.url, headers=_headers(request), method="HEAD")  # noqa: S310 - http or https, validated
    try:
        _exchange(http_request, request, LOOK_UP_DEADLINE)
    except _Answered as answered:
        if answered.code >= 500 or answered.code in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:  # noqa: PLR2004
            raise


class _Answered(ProviderRejected):
    """The provider answered with an error status.

    A 4xx says that the provider did not take the request; only 409 may mean that it has the e-invoice already.
    """

    def __init__(self, code: int, *, says_not_found: bool = False) -> None:
        is_refusal = 400 <= code < 500  # noqa: PLR2004
        self.code, self.says_not_found = code, says_not_found
        super().__init__(
            f"The provider answered {code}.",
            permanent=is_refusal and code not in _TEMPORARY_CODES,
            in_doubt=not is_refusal or code == HTTPStatus.CONFLICT,
            number_taken=code == HTTPStatus.CONFLICT,
        )


def _headers(request: ProviderRequest) -> dict[str, str]:
    authorization = {"Authorization": f"Bearer {request.token}"} if request.token else {}
    return {"Accept": "application/json", **authorization}


def _exchange(http_request: urllib.request.Request, request: ProviderRequest, deadline: float) -> bytes:
    end = time.monotonic() + deadline
    line = PinnedLine(_address(http_request, request), request.ca_file)
    try:
        with line.deadline(end), _open(line, http_request, deadline) as response:
            is_look_up = http_request.get_method() == "GET"
            if response.status == HTTPStatus.OK or (response.status < 300 and not is_look_up):  # noqa: PLR2004
                return _read_limited(response, end)
            is_missing = is_look_up and response.status == HTTPStatus.NOT_FOUND
            says_not_found = is_missing and _says_not_found(_read_limited(response, end))
            raise _Answered(response.status, says_not_found=says_not_found)
    except (OSError, ValueError, http.client.HTTPException) as error:
        causes = list(causes_of(error))
        reason = tls_message(causes) or f"The provider does not answer: {error}"
        was_sent = not any(isinstance(cause, NotConnected | http.client.InvalidURL) for cause in causes)
        raise ProviderRejected(reason, permanent=False, in_doubt=was_sent) from error


def _open(line: PinnedLine, http_request: urllib.request.Request, deadline: float) -> Any:
    """Open the response, also one with an error status."""
    try:
        return line.open(http_request, deadline)
    except urllib.error.HTTPError as response:
        return response


def _says_not_found(content: bytes) -> bool:
    try:
        said = json.decode(content.removeprefix(codecs.BOM_UTF8))
    except MalformedJson:
        return False
    return isinstance(said, dict) and said.get("found") is False


def _address(http_request: urllib.request.Request, request: ProviderRequest) -> str | None:
    """The validated IP address to connect to; None for an address that the operator set."""
    if request.allowances is None:
        return None
    try:
        return ssrf.resolve_target(ssrf.parse_target(http_request.full_url), request.allowances)
    except ssrf.AddressError as fault:
        is_rule = isinstance(fault, ssrf.Refused)
        raise ProviderRejected(str(fault.message), permanent=is_rule, in_doubt=False) from fault


def _read_limited(response: Any, deadline: float) -> bytes:
    content = b""
    while chunk := response.read1(KIB):
        content += chunk
        if time.monotonic() > deadline or len(content) > MAX_RESPONSE_BYTES:
            raise ProviderRejected(
                N_("The provider's answer is too slow or too large."), permanent=False, in_doubt=True
            )
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
    status = STATUS_BY_PROVIDER_STATUS.get(text.lower(), Status.SENT)
    return ProviderResponse(status, text, clean_identifier(number or "")[:255] or None, raw)


def _without_nul(value: Any) -> Any:
    """``value`` with a replacement character for each NUL, which PostgreSQL cannot store."""
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_nul(child) for child in value]
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
