"""Checks that every answer of the test client is the one that the API reference documents."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs
from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

from app.kernel.http import openapi_headers
from app.operations.api_docs import openapi_document

#: An answer to any method that an operation does not have; OpenAPI documents operations only.
_OF_NO_OPERATION = 405
_EXTENSION = "conformance"
_texts: dict[frozenset[tuple[str, str]], bytes] = {}
_DOCUMENTED_HEADERS = frozenset(openapi_headers.COMPONENTS)


def check_answer(app: Flask, answer: TestResponse) -> None:
    """Fail if an operation answers with a status, a type, a header or a body that the reference does not have."""
    path, method = _documented_path(app, answer), answer.request.method.lower()
    reference = _reference(app).text
    operation = _document(reference)["paths"].get(path, {}).get(method)
    if operation is None or answer.status_code == _OF_NO_OPERATION:
        return
    where = f"{method} {path} {answer.status_code}"
    documented = operation["responses"].get(str(answer.status_code))
    assert documented, f"{where} is not documented"
    _check_headers(where, documented, answer)
    media = documented.get("content", {})
    if not media or answer.request.method == "HEAD":
        return
    assert answer.mimetype in media, f"{where} answers {answer.mimetype}"
    if answer.mimetype == "application/json":
        faults = [
            f"{'/'.join(map(str, error.instance_path))}: {error.message[:200]}"
            for error in _validator(reference, _key(media)).iter_errors(json.loads(answer.text))
        ]
        assert not faults, f"{where} differs from its schema: {faults[:5]}"


def _check_headers(where: str, documented: dict[str, Any], answer: TestResponse) -> None:
    missing = {name for name in _DOCUMENTED_HEADERS if name in answer.headers} - set(documented.get("headers", {}))
    assert not missing, f"{where} does not document {sorted(missing)}"


def _documented_path(app: Flask, answer: TestResponse) -> str | None:
    """The path of the reference for a request; an operation may answer under several spellings."""
    try:
        endpoint, _ = app.url_map.bind("localhost").match(answer.request.path, answer.request.method)
    except HTTPException:
        return None
    return _reference(app).paths.get(endpoint)


@dataclass(frozen=True)
class _Reference:
    """The API reference of an application, and the path in it of each endpoint."""

    text: bytes
    paths: dict[str, str]


def _reference(app: Flask) -> _Reference:
    """Applications with the same routes share one document, because to make it takes half a second."""
    if _EXTENSION not in app.extensions:
        paths = {
            endpoint: re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", next(app.url_map.iter_rules(endpoint)).rule)
            for endpoint in app.view_functions
        }
        routes = frozenset(paths.items())
        if routes not in _texts:
            _texts[routes] = openapi_document(app)
        app.extensions[_EXTENSION] = _Reference(_texts[routes], paths)
    reference: _Reference = app.extensions[_EXTENSION]
    return reference


@cache
def _document(text: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(text)
    return document


def _key(media: dict[str, Any]) -> str:
    """The schema of a JSON answer; most answers share a few."""
    return json.dumps(media["application/json"]["schema"], sort_keys=True)


@cache
def _validator(text: bytes, schema: str) -> jsonschema_rs.Draft202012Validator:
    """The validator of a schema in the document ``text``, which further applications have too."""
    components = _document(text)["components"]
    return jsonschema_rs.Draft202012Validator({**json.loads(schema), "components": components})
