"""Bodies: read whole before the first query, in time, no longer than the limit, and from known callers if large."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.config import KIB, MIB
from app.extensions import db
from app.kernel.http.bodies.body_reader import SMALL_BODY, TIME_LIMIT
from tests.factories import a_fabric_item, a_receipt, a_sale

IMPORT = "/api/sales/import/invoice/"


class Peer(io.BytesIO):
    """A body that arrives over the network; it notes what `observe` says each time that it is read."""

    def __init__(self, body: bytes, fault: Exception | None = None, observe: Callable[[], int] = lambda: 0) -> None:
        super().__init__(body)
        self.fault = fault
        self.observe = observe
        self.observed: set[int] = set()

    def read(self, size: int | None = -1) -> bytes:
        self.observed.add(self.observe())
        block = super().read(size)
        if self.fault and not block:
            raise self.fault
        return block


def send(client: FlaskClient, path: str, peer: Peer, *, length: int | None = None, **environ: Any) -> TestResponse:
    facts = {"wsgi.input": peer, "wsgi.input_terminated": length is None, **environ}
    if length is not None:
        facts["CONTENT_LENGTH"] = str(length)
    return client.post(path, content_type="application/json", environ_overrides=facts)


def padded(payload: dict[str, Any], size: int) -> bytes:
    return json.dumps(payload).encode() + b" " * size


@contextmanager
def expired(_seconds: float) -> Iterator[None]:
    yield
    raise TimeoutError


@pytest.mark.parametrize("size", [0, 2 * SMALL_BODY])
@pytest.mark.parametrize("is_chunked", [True, False])
def test_no_connection_is_held_while_a_body_arrives(
    client_as: Callable[..., FlaskClient], connections_in_use: Callable[[], int], size: int, is_chunked: bool
) -> None:
    """Also not by the look-up of the credential, which comes before a larger body."""
    client = client_as("admin")
    body = padded(a_sale(), size)
    db.session.remove()
    peer = Peer(body, observe=connections_in_use)
    answer = send(client, IMPORT, peer, length=None if is_chunked else len(body))
    assert answer.status_code == 201
    assert peer.observed == {0}


def test_a_bulk_body_is_read_before_the_first_invoice_is_stored(
    erp: FlaskClient, connections_in_use: Callable[[], int]
) -> None:
    body = padded([a_sale() for _ in range(3)], 2 * MIB)  # type: ignore[arg-type]
    peer = Peer(body, observe=connections_in_use)
    answer = send(erp, "/api/sales/import/invoices/", peer, length=len(body))
    assert answer.json["data"]["imported"] == 3
    assert peer.observed == {0}


@pytest.mark.parametrize("length", [None, 1000])
def test_a_broken_body_is_refused(erp: FlaskClient, length: int | None) -> None:
    fault = OSError("malformed chunk") if length is None else None
    answer = send(erp, IMPORT, Peer(b'{"invoice_no":', fault), length=length)
    assert answer.status_code == 400
    assert answer.json == {"success": False, "message": "The body is cut off, or its chunks are malformed."}


@pytest.mark.parametrize("path", [IMPORT, "/api/auth/login/", "/api/invoices", "/api/v1/einvoices"])
def test_a_slow_body_is_refused_in_the_envelope_of_each_api(anybody: FlaskClient, path: str) -> None:
    answer = send(anybody, path, Peer(b"{"), length=20, **{TIME_LIMIT: expired})
    assert answer.status_code == 408
    assert answer.json["message"] == "The body did not arrive in time."


def test_nothing_is_read_of_a_large_body_of_an_unknown_caller(anybody: FlaskClient) -> None:
    body = padded(a_sale(), SMALL_BODY)
    peer = Peer(body)
    assert send(anybody, IMPORT, peer, length=len(body)).status_code == 401
    assert peer.observed == set()
    assert send(anybody, "/api/auth/login/", peer, length=len(body)).status_code == 413
    assert peer.observed == set()


@pytest.mark.parametrize("is_chunked", [True, False])
def test_a_body_is_read_no_further_than_the_limit_of_its_route(
    erp: FlaskClient, client_with: Callable[[str], FlaskClient], is_chunked: bool
) -> None:
    body = padded(a_sale(), MIB)
    peer = Peer(body)
    assert send(erp, IMPORT, peer, length=None if is_chunked else len(body)).status_code == 413
    assert peer.tell() == (MIB + 1 if is_chunked else 0)
    bulk = padded(a_receipt(a_fabric_item(100)), MIB + KIB)
    answer = send(client_with("grn:write"), "/api/invoices", Peer(bulk), length=None if is_chunked else len(bulk))
    assert (answer.status_code, answer.json["code"]) == (400, 40001)  # it was read, and names an unknown supplier
