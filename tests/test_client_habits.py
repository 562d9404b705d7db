"""Habits of real clients, tried on every route: blank parameters, POSTs without a body, ``bearer`` in any case."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.accounts import modules
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.stream.api import EVENT_STREAM
from tests.factories import a_draft, a_receipt, a_sale, a_seller, a_token

MODULES = ("feature.einvoice_api", "feature.einvoice_webhooks")
#: A blank value of these asks for the first page of a reading by cursor, which has another form.
CURSORS = frozenset({"cursor"})
BLANKS = ("", " ", "\t", "\u00a0", "\u200b", "\ufeff")
EXPORTED = "audit.exported"
#: Operations whose body is a file: an empty one is read as a file without content.
FILES = ("/file", "/import/invoices/", "/einvoices/check", "/einvoices/verdict")
SCHEMES = ("Bearer", "bearer", "BEARER", "bEaReR")

Operation = tuple[str, str, dict[str, Any]]


@pytest.fixture
def admin(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    """A client that may use every surface."""
    client = client_as("admin")
    with unit_of_work():
        user = db.session.query(User).one()
        for module in MODULES:
            modules.enable(user, module, actor="a test")
        a_seller(user.id)
    return client


@pytest.fixture
def operations(anybody: FlaskClient) -> list[Operation]:
    """Every operation of the API: its method, its path with ids, its description."""
    paths = json.loads(anybody.get("/openapi.json").text)["paths"]
    return [
        (method.upper(), re.sub(r"\{\w*name\}", "picking", re.sub(r"\{\w+_id\}", "1", path)), operation)
        for path, methods in paths.items()
        for method, operation in methods.items()
        if method != "parameters"
    ]


def create_one_of_each(client: FlaskClient) -> None:
    """Create a row of each kind that a list shows, with the id 1."""
    assert client.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
    assert client.post("/api/suppliers", json={"name": "Mill", "code": "M"}).status_code == 201
    assert client.post("/api/fabrics", json={"name": "Denim", "code": "D"}).status_code == 201
    assert client.post("/api/v1/einvoices", json=a_draft()).status_code == 201
    endpoint = {"url": "https://8.8.8.8/hooks", "events": ["*"]}
    assert client.post("/api/v1/webhooks/endpoints", json=endpoint).status_code == 201


def list_parameters(operations: list[Operation]) -> Iterator[tuple[str, str]]:
    """Paths and names of the optional parameters of each GET that ends."""
    for method, path, operation in operations:
        if method == "GET" and EVENT_STREAM not in operation["responses"]["200"].get("content", {}):
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "query" and not parameter.get("required"):
                    yield path, parameter["name"]


def content(answer: TestResponse) -> tuple[int, str]:
    """Status and text, without the lines about exports, of which each export adds one."""
    lines = (line for line in answer.text.splitlines() if EXPORTED not in line)
    return answer.status_code, "\n".join(lines)


def test_a_blank_filter_is_no_filter(admin: FlaskClient, operations: list[Operation]) -> None:
    create_one_of_each(admin)
    tried = answered = 0
    for path, name in list_parameters(operations):
        if name in CURSORS:
            assert admin.get(path, query_string={name: ""}).status_code in {200, 404}, path
            continue
        expected = content(admin.get(path))
        for blank in BLANKS:
            assert content(admin.get(path, query_string={name: blank})) == expected, (path, name, blank)
        tried += 1
        answered += expected[0] == 200
    assert tried > 80
    assert answered > 60


def test_all_parameters_of_a_list_may_be_blank_together(admin: FlaskClient, operations: list[Operation]) -> None:
    create_one_of_each(admin)
    by_path: dict[str, dict[str, str]] = {}
    for path, name in list_parameters(operations):
        if name not in CURSORS:
            by_path.setdefault(path, {})[name] = ""
    for path, query in by_path.items():
        assert content(admin.get(path, query_string=query)) == content(admin.get(path)), path


def test_a_blank_value_does_not_hide_a_misspelt_parameter(admin: FlaskClient) -> None:
    for path in ("/api/sales/invoices/", "/api/invoices", "/api/v1/einvoices", "/api/v1/events"):
        assert admin.get(path, query_string={"misspelt": ""}).status_code in {400, 422}, path


def test_a_repeated_status_may_have_blank_values(admin: FlaskClient) -> None:
    create_one_of_each(admin)
    every = "/api/sales/invoices/"
    assert admin.get(every, query_string="status=&status=PICKING").json["results"] == []
    assert admin.get(every, query_string="status=&status=INVOICED").json == admin.get(every).json


def test_a_blank_parameter_deletes_nothing(admin: FlaskClient) -> None:
    assert admin.post("/api/invoices", json=a_receipt(externalId="E-1")).status_code in {201, 400}
    assert admin.delete("/api/invoices", query_string={"externalId": ""}).status_code == 400


def test_a_post_whose_fields_have_defaults_takes_an_empty_body(admin: FlaskClient, operations: list[Operation]) -> None:
    create_one_of_each(admin)
    optional = [
        path
        for method, path, operation in operations
        if method == "POST" and not operation.get("requestBody", {}).get("required")
    ]
    assert {"rotate", "disable", "tickets"} <= {path.rpartition("/")[2] for path in optional}
    for path in optional:
        if path == "/api/auth/logout/":
            continue
        status = admin.post(path).status_code
        # 404 and 409: the row of this path is missing or in another state; the body was accepted.
        assert status in {200, 201, 202, 204, 404, 409}, (path, status)
        assert admin.post(path, json={}).status_code in {200, 201, 202, 204, 404, 409, 429}, path
    for path in ("/api/v1/webhooks/endpoints/1/rotate", "/api/v1/webhooks/endpoints/1/disable"):
        for content_type in (None, "application/json", "application/x-www-form-urlencoded"):
            assert admin.post(path, data=b"", content_type=content_type).status_code == 200, path


def test_a_body_that_nobody_reads_may_be_refused_as_documented(admin: FlaskClient, operations: list[Operation]) -> None:
    for method, path, operation in operations:
        answer = admin.open(path, method=method, data=b"\xff", content_type="text/plain; charset=iso-8859-1")
        assert str(answer.status_code) in operation["responses"], (method, path, answer.status_code)
        assert (answer.status_code == 415) == (method in {"POST", "PUT", "PATCH"}), (method, path, answer.status_code)


def test_the_document_requires_exactly_the_bodies_that_the_hub_requires(
    admin: FlaskClient, operations: list[Operation]
) -> None:
    for method, path, operation in operations:
        if operation.get("requestBody", {}).get("required") and not path.endswith(FILES):
            answer = admin.open(path, method=method)
            # Without a body a callback of a provider has no valid signature.
            expected = {401} if path.endswith("/callback") else {400, 404, 409}
            assert answer.status_code in expected, (method, path, answer.status_code)
            assert answer.status_code != 400 or "empty" in answer.text, (method, path, answer.text)


@pytest.mark.parametrize("scheme", SCHEMES)
class TestAuthorizationScheme:
    def test_of_an_access_token(self, admin: FlaskClient, anybody: FlaskClient, scheme: str) -> None:
        token = admin.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        for gap in (" ", "  ", "\t"):
            headers = {"Authorization": f"{scheme}{gap}{token}"}
            assert anybody.get("/api/auth/me/", headers=headers).status_code == 200
        assert anybody.post("/api/auth/logout/", headers=headers).status_code == 200
        assert anybody.get("/api/auth/me/", headers=headers).status_code == 401

    def test_of_a_scoped_token(self, anybody: FlaskClient, scheme: str) -> None:
        with unit_of_work():
            _, plain = a_token()
        for gap in (" ", "  ", "\t"):
            headers = {"Authorization": f"{scheme}{gap}{plain}"}
            assert anybody.get("/api/v1/events", headers=headers).status_code == 200

    def test_of_the_token_of_the_metrics(self, app_with: Callable[..., Hub], scheme: str) -> None:
        client = app_with(metrics_token="a-token-for-the-tests-of-metrics").test_client()
        far = {"REMOTE_ADDR": "192.0.2.1"}
        right = {"Authorization": f"{scheme} a-token-for-the-tests-of-metrics"}
        assert client.get("/metrics", headers=right, environ_base=far).status_code == 200
        assert client.get("/metrics", headers={"Authorization": f"{scheme} x"}, environ_base=far).status_code == 401


@pytest.mark.parametrize("value", ["Basic YTpi", "Token x", "Bearerx", ""])
def test_another_scheme_is_no_credential(anybody: FlaskClient, value: str) -> None:
    answer = anybody.get("/api/auth/me/", headers={"Authorization": value})
    assert answer.status_code == 401
    assert answer.json["message"] == "Authentication credentials were not provided."
