"""``http``: sends an e-invoice to the address of a provider, and looks it up there."""

from __future__ import annotations

import codecs
import functools
import http.client
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from app.config import KIB
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.status import STATUS_BY_PROVIDER_STATUS, Status
from app.kernel import json
from app.kernel.errors import MalformedJson
from app.kernel.http.tls_errors import causes_of, tls_message
from app.kernel.http.tls_trust import client_context
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_
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
    http_request = urllib.request.Request(request.url, data=body, headers=headers, method="POST")  # noqa: S310 - http or https, validated at start
    return _parse_response(_exchange(http_request, request.ca_file, HTTP_DEADLINE))


def look_up(request: ProviderRequest) -> ProviderResponse | None:
    """GET the response that the provider gave to the e-invoice, by its key and number; None if it does not have it.

    Raises:
        ProviderRejected: any other response than 200 or 404, or none in time: the e-invoice stays in doubt.
    """
    parts = urlsplit(request.lookup_url)
    asked = urlencode({"key": request.key, "invoice_no": request.document["invoice_no"]})
    url = urlunsplit(parts._replace(query=f"{parts.query}&{asked}" if parts.query else asked))
    http_request = urllib.request.Request(url, headers=_headers(request))  # noqa: S310 - http or https, validated at start
    try:
        return _parse_response(_exchange(http_request, request.ca_file, LOOK_UP_DEADLINE))
    except ProviderRejected as rejected:
        cause = rejected.__cause__
        if isinstance(cause, urllib.error.HTTPError) and cause.code == HTTPStatus.NOT_FOUND:
            return None
        raise


def _headers(request: ProviderRequest) -> dict[str, str]:
    authorization = {"Authorization": f"Bearer {request.token}"} if request.token else {}
    return {"Accept": "application/json", **authorization}


def _exchange(http_request: urllib.request.Request, ca_file: Path | None, deadline: float) -> bytes:
    try:
        with _opener(ca_file).open(http_request, timeout=deadline) as response:
            if http_request.get_method() == "GET" and response.status != HTTPStatus.OK:
                raise _rejected_with(response.status)
            return _read_limited(response, time.monotonic() + deadline)
    except urllib.error.HTTPError as error:
        with error:
            raise _rejected_with(error.code) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        causes = list(causes_of(error))
        reason = tls_message(causes) or f"The provider does not answer: {error}"
        was_sent = not any(isinstance(cause, _NotConnected | http.client.InvalidURL) for cause in causes)
        raise ProviderRejected(reason, permanent=False, in_doubt=was_sent) from error


def _rejected_with(code: int) -> ProviderRejected:
    """The failure of a response with this status.

    A 4xx says that the provider did not take the request; only 409 may mean that it has the e-invoice already.
    """
    is_refusal = 400 <= code < 500  # noqa: PLR2004
    return ProviderRejected(
        f"The provider answered {code}.",
        permanent=is_refusal and code not in _TEMPORARY_CODES,
        in_doubt=not is_refusal or code == HTTPStatus.CONFLICT,
    )


class _NotConnected(OSError):
    """No connection was made, so nothing of the request was sent."""

    @classmethod
    def of(cls, error: Exception) -> _NotConnected:
        return cls(*error.args) if isinstance(error, OSError) else cls(str(error))


class _HttpConnection(http.client.HTTPConnection):
    def connect(self) -> None:
        """Connect; every failure says that nothing was sent."""
        try:
            super().connect()
        except (OSError, UnicodeError) as error:  # UnicodeError: the host is no valid name
            raise _NotConnected.of(error) from error


class _HttpsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        """Connect and check the certificate; every failure says that nothing was sent."""
        try:
            super().connect()
        except (OSError, UnicodeError) as error:  # UnicodeError: the host is no valid name
            raise _NotConnected.of(error) from error


class _HttpHandler(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request."""
        return self.do_open(_HttpConnection, req)


class _HttpsHandler(urllib.request.HTTPSHandler):
    def __init__(self, ca_file: Path | None) -> None:
        self._tls = client_context(ca_file)
        super().__init__(context=self._tls)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        """Send a request over TLS."""
        return self.do_open(_HttpsConnection, req, context=self._tls)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Refuse every redirect: requests go to the configured address only."""


@functools.cache
def _opener(ca_file: Path | None) -> urllib.request.OpenerDirector:
    """Return the opener of all requests; proxies of the environment are not used."""
    handlers = (_HttpHandler(), _HttpsHandler(ca_file), urllib.request.ProxyHandler({}), _NoRedirects())
    return urllib.request.build_opener(*handlers)


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
    status = STATUS_BY_PROVIDER_STATUS.get(text.lower(), Status.SENT)
    return ProviderResponse(status, text, clean_identifier(number or "")[:255] or None, raw)


def _without_nul(value: Any) -> Any:
    """``value`` with a replacement character for each NUL, which PostgreSQL cannot store."""
    if isinstance(value, dict):
        return {_without_nul(key): _without_nul(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_without_nul(child) for child in value]
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
