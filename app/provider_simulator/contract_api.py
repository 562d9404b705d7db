"""The contract that providers of the hub speak: take an e-invoice, look one up; with the faults that were asked for."""

from __future__ import annotations

import hmac
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any, cast

from flask import Blueprint, Response, current_app, request

from app.einvoices.providers.behaviours import BEHAVIOURS, Answer, Behaviour, find, wanted_by
from app.kernel import json
from app.kernel.errors import MalformedJson
from app.provider_simulator.document_store import Document, Duplicate, Full
from app.provider_simulator.legal_files import LegalFile, read_file
from app.provider_simulator.simulator_state import Simulator

blp = Blueprint("contract", __name__)
_LONGEST_KEY = 255


def current_simulator() -> Simulator:
    """The simulator of this application."""
    return cast("Simulator", current_app.extensions["simulator"])


@blp.before_request
def _check_token() -> Response | None:
    token = current_simulator().token
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and not hmac.compare_digest(token.encode(), sent.encode()):
        return _refusal(HTTPStatus.UNAUTHORIZED, "The bearer token is missing or wrong.")
    return None


@blp.post("/<account>/einvoices")
def take(account: str) -> Response:
    """Take an e-invoice, unless the behaviour of the request says otherwise."""
    try:
        key, einvoice, file = _read()
    except MalformedJson as error:
        return _refusal(HTTPStatus.BAD_REQUEST, str(error))
    except ValueError as error:
        return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    return _take(account, key, einvoice, file)


def _take(account: str, key: str, einvoice: dict[str, Any], file: LegalFile | None) -> Response:
    simulator = current_simulator()
    name = _wanted(einvoice) or simulator.draw()
    behaviour = BEHAVIOURS[name]
    if behaviour.answer == Answer.REFUSED and (known := simulator.store.repeat(account, key)):
        return _said(known.first_word, known)  # it cannot refuse what it has taken
    if not behaviour.stores:
        simulator.count(name)
        return _answer(simulator, behaviour, None)
    try:
        document, is_new = simulator.store.take(account, key, einvoice, name, file)
    except Duplicate:
        simulator.count("duplicate_refused")
        return _refusal(HTTPStatus.CONFLICT, "This e-invoice is stored under another key.")
    except Full:
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The list is full; empty it on the page.")
    simulator.count(name if is_new else "repeated")
    if document.sha256 != (file.sha256 if file else None):
        simulator.count("document_changed")
    # A repeat gets the first answer, whatever became of it the first time.
    return _answer(simulator, behaviour, document) if is_new else _said(document.first_word, document)


@blp.get("/<account>/einvoices")
def look_up(account: str) -> Response:
    """Answer the present status of an e-invoice by its key and number; 404 if it is not stored."""
    simulator = current_simulator()
    if simulator.fails_look_up():
        simulator.count("look_up_failed")
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The look-up was asked to fail.")
    found = simulator.store.find(account, request.args.get("key", ""), request.args.get("invoice_no", ""))
    simulator.count("not_found" if found is None else "found")
    return _json(HTTPStatus.NOT_FOUND, {"found": False}) if found is None else _said(found.word, found)


def _read() -> tuple[str, dict[str, Any], LegalFile | None]:
    """Key, e-invoice and legal document of the request.

    Raises:
        MalformedJson: the body is no JSON.
        ValueError: a part is missing or wrong; the message names it.
    """
    content = json.parse_strict(request.get_data())
    key = request.headers.get("Idempotency-Key", "")
    einvoice = content.get("einvoice") if isinstance(content, dict) else None
    if not request.is_json:
        raise ValueError("Content-Type must be application/json.")
    if not 0 < len(key) <= _LONGEST_KEY or not isinstance(content, dict) or content.get("key") != key:
        raise ValueError("Idempotency-Key and the key in the body must be the same text.")
    if not isinstance(einvoice, dict) or not isinstance(einvoice.get("invoice_no"), str) or not einvoice["invoice_no"]:
        raise ValueError("The e-invoice has no invoice_no.")
    return key, einvoice, read_file(content.get("document"))


def _wanted(einvoice: dict[str, Any]) -> str | None:
    """The behaviour that the document, a header or the address of the request asks for."""
    asked = (wanted_by(einvoice), request.headers.get("X-Simulate"), request.args.get("simulate"))
    return next((name for name in asked if find(name)), None)


def _answer(simulator: Simulator, behaviour: Behaviour, document: Document | None) -> Response:
    """The answer of a behaviour; ``document`` is what was stored."""
    if behaviour.answer == Answer.REFUSED:
        return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "The simulator was asked to refuse.")
    if behaviour.answer == Answer.FAILED:
        return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "The simulator was asked to fail.")
    if behaviour.answer == Answer.UNREADABLE:
        return Response("<html>accepted</html>", mimetype="text/html")
    if behaviour.answer == Answer.SLOW:
        simulator.ended.wait(simulator.slow_seconds)
    elif behaviour.answer == Answer.HANGING:
        simulator.ended.wait(simulator.hang_seconds)
    if not behaviour.is_answered or document is None:
        _cut(
            b'HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"provider_status": "acc'
            if behaviour.answer == Answer.HALF
            else b""
        )
        return Response()
    return _said(document.first_word, document)


def _cut(content: bytes) -> None:
    """Send ``content`` past the HTTP server and end the connection; what the server sends afterwards is lost."""
    connection: socket.socket = request.environ["werkzeug.socket"]
    with suppress(OSError):  # the client is gone already
        connection.sendall(content)
        connection.shutdown(socket.SHUT_RDWR)


def _said(word: str, document: Document) -> Response:
    said: dict[str, Any] = {"provider_status": word, "provider_invoice_id": document.number}
    if document.format is not None:
        said["document"] = {"format": document.format, "sha256": document.sha256, "size": document.size}
    return _json(HTTPStatus.OK, said)


def _refusal(status: HTTPStatus, message: str) -> Response:
    return _json(status, {"message": message})


def _json(status: HTTPStatus, content: dict[str, Any]) -> Response:
    return Response(json.encode(content), status, mimetype="application/json")
