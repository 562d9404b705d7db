"""The authority of time stamps (RFC 3161): asks it for a stamp over HTTP, and checks its answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http.client import HTTPException
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from flask import current_app
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from urllib3.exceptions import HTTPError

from app.config import KIB
from app.kernel.messages import N_
from app.kernel.outbound import ssrf
from app.kernel.outbound.connection_errors import plain_message
from app.kernel.outbound.http_connection import CONNECT_SECONDS, ActiveRequest, pinned_session

#: Seconds for a request with its answer.
DEADLINE = 10.0
MAX_REPLY_BYTES = 64 * KIB
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
_REQUEST_ERRORS = (requests.RequestException, HTTPError, HTTPException, OSError, ValueError)


class StampRefused(Exception):
    """There is no valid time stamp; the text says why."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where to ask for time stamps, and the root certificates that an answer must lead to."""

    url: str
    roots_file: Path
    user: str = ""
    password: str = ""
    #: Further certificate authorities for TLS.
    ca_file: Path | None = None


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """An answer (``TimeStampResp`` in DER) whose signature, certificates, nonce and hash were checked."""

    reply: bytes
    stamped_at: datetime


def configured() -> Authority | None:
    """The authority of the settings; None without one."""
    config = current_app.config
    if not config["TIMESTAMP_URL"]:
        return None
    credentials = (config["TIMESTAMP_USER"], config["TIMESTAMP_PASSWORD"])
    return Authority(config["TIMESTAMP_URL"], config["TIMESTAMP_CA_FILE"], *credentials, config["TRUSTED_CA_FILE"])


def fetch(statement: bytes, authority: Authority) -> CheckedReply:
    """Get a time stamp of the SHA-256 of ``statement``.

    Raises:
        StampRefused: there is no answer, or it is no valid time stamp of this statement.
    """
    query = TimestampRequestBuilder().data(statement).hash_algorithm(HashAlgorithm.SHA256).build()
    reply = _exchange(query.as_bytes(), authority)
    return CheckedReply(reply, check(reply, statement, authority.roots_file, query))


def check(reply: bytes, statement: bytes, roots_file: Path, query: TimeStampRequest | None = None) -> datetime:
    """Check an answer, and return the moment that it states.

    Raises:
        StampRefused: it is refused, or its signature, certificates, nonce or hash are wrong.
    """
    builder = VerifierBuilder.from_request(query) if query else VerifierBuilder()
    for root in _certificates(roots_file):
        builder = builder.add_root_certificate(root)
    try:
        response = decode_timestamp_response(reply)
        builder.build().verify_message(response, statement)
    except (VerificationError, ValueError) as error:
        raise StampRefused(f"The authority's answer is no valid time stamp: {error}.") from error
    return response.tst_info.gen_time


@cache
def _certificates(file: Path) -> Sequence[x509.Certificate]:
    return list(dict.fromkeys(x509.load_pem_x509_certificates(file.read_bytes())))


def _exchange(query: bytes, authority: Authority) -> bytes:
    active = ActiveRequest(time.monotonic() + DEADLINE)
    headers = {"Content-Type": _QUERY, "Accept": _REPLY, "Connection": "close"}
    credentials = (authority.user, authority.password) if authority.user else None
    try:
        target = ssrf.parse_target(authority.url)
        addresses = ssrf.resolve_host(target.host, target.port)
        with active.closing_at_end():
            session = pinned_session(addresses, authority.ca_file, active)
            with session.post(authority.url, data=query, headers=headers, auth=credentials, stream=True) as response:
                reply = _read(response, active)
        active.seconds_left()  # what the deadline cut can look like a whole answer
    except ssrf.AddressError as fault:
        raise StampRefused(str(fault.message)) from fault
    except _REQUEST_ERRORS as failure:
        if active.is_expired:
            raise StampRefused(f"The authority did not answer completely within {DEADLINE:g} seconds.") from failure
        raise StampRefused(f"The authority does not answer: {plain_message(failure, CONNECT_SECONDS)}") from failure
    return reply


def _read(response: Any, active: ActiveRequest) -> bytes:
    if response.status_code != requests.codes.ok:
        raise StampRefused(f"The authority answered {response.status_code}.")
    content = b""
    while chunk := response.raw.read1(KIB, decode_content=False):
        content += chunk
        active.seconds_left()
        if len(content) > MAX_REPLY_BYTES:
            raise StampRefused(N_("The authority's answer is too large."))
    return content
