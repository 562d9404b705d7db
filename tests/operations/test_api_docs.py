"""API reference: the document is valid and agrees with real responses; the hub serves the page."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.kernel.http.app import Hub
from app.operations.api_docs import openapi_document

_PLACEHOLDER = re.compile(r"\{\w+\}")


@pytest.fixture
def document(anybody: FlaskClient) -> dict[str, Any]:
    answer = anybody.get("/openapi.json")
    assert answer.content_type == "application/json"
    parsed: dict[str, Any] = json.loads(answer.text)
    return parsed


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                yield method, path, operation


def examples(content: dict[str, Any]) -> list[Any]:
    return [example for media in content.values() for example in _examples_of(media)]


def _examples_of(media: dict[str, Any]) -> list[Any]:
    return [media["example"]] if "example" in media else [e["value"] for e in media.get("examples", {}).values()]


class TestDocument:
    def test_is_valid(self, document: dict[str, Any]) -> None:
        assert document["openapi"] == "3.1.0"
        # Its import takes three seconds, and every worker of a test run imports this module.
        from openapi_spec_validator import validate  # noqa: PLC0415

        validate(document)

    def test_an_integer_says_when_32_bits_are_too_few(self, document: dict[str, Any]) -> None:
        """Generators of typed languages take 32 bits for an integer without a format."""
        schemas = document["components"]["schemas"]
        for name in ("WebhookDelivery", "AuditEntry", "Invoice"):
            assert schemas[name]["properties"]["id"]["format"] == "int64"
        quantity = schemas["Item"]["properties"]["quantity"]
        assert quantity["maximum"] < 2**31
        assert "format" not in quantity
        for path, _, operation in operations(document):
            for parameter in operation["parameters"]:
                if parameter["in"] == "path" and parameter["schema"]["type"] == "integer":
                    assert parameter["schema"]["format"] == "int64", path

    def test_is_made_once_for_all_threads_that_ask_at_first(self, app_with: Callable[..., Hub]) -> None:
        hub, together = app_with(), threading.Barrier(8)

        def ask(_number: int) -> bytes:
            together.wait()
            return openapi_document(hub)

        with ThreadPoolExecutor(8) as pool:
            assert len({id(text) for text in pool.map(ask, range(8))}) == 1

    def test_holds_every_route_of_an_api(self, app: Hub, document: dict[str, Any]) -> None:
        outside = {"static", "reference", "admin"}
        # An operation may answer under several spellings of its path; the first is the one that is documented.
        rules = {rule.endpoint: next(app.url_map.iter_rules(rule.endpoint)) for rule in app.url_map.iter_rules()}
        routes = {
            re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
            for endpoint, rule in rules.items()
            if endpoint.split(".")[0] not in outside
        }
        assert routes == set(document["paths"])

    def test_every_operation_has_a_summary_a_security_and_its_own_id(self, document: dict[str, Any]) -> None:
        ids = []
        for method, path, operation in operations(document):
            assert operation["summary"], f"{method} {path}"
            assert isinstance(operation["security"], list), f"{method} {path}"
            assert operation["tags"], f"{method} {path}"
            ids.append(operation["operationId"])
        assert len(ids) == len(set(ids))

    def test_holds_no_internal_keys(self, anybody: FlaskClient) -> None:
        assert '"x-' not in anybody.get("/openapi.json").text

    def test_every_request_and_success_has_an_example(self, document: dict[str, Any]) -> None:
        for method, path, operation in operations(document):
            if "requestBody" in operation:
                assert examples(operation["requestBody"]["content"]), f"{method} {path}"
            for status, answer in operation["responses"].items():
                if status.startswith("2") and answer.get("content"):
                    assert examples(answer["content"]), f"{method} {path} {status}"

    def test_every_failure_has_an_example(self, document: dict[str, Any]) -> None:
        for method, path, operation in operations(document):
            failures = [status for status in operation["responses"] if status >= "4"]
            assert "500" in failures, f"{method} {path}"
            for status in failures:
                assert examples(operation["responses"][status]["content"]), f"{method} {path} {status}"

    def test_a_creating_post_documents_the_idempotency_errors(self, document: dict[str, Any]) -> None:
        answers = document["paths"]["/api/sales/import/invoice/"]["post"]["responses"]
        assert {"DuplicateInvoice", "KeyInUse"} <= set(examples_by_name(answers["409"]))
        assert "KeyReused" in examples_by_name(answers["422"])

    def test_ids_in_paths_are_integers(self, document: dict[str, Any]) -> None:
        for _method, path, operation in operations(document):
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path" and parameter["name"].endswith("_id"):
                    assert parameter["schema"]["type"] == "integer", path


def examples_by_name(answer: dict[str, Any]) -> dict[str, Any]:
    [media] = answer["content"].values()
    return {name: example["value"] for name, example in media["examples"].items()}


class TestExamplesMatchResponses:
    def shown(self, operation: dict[str, Any], status: int) -> list[Any]:
        return examples(operation["responses"][str(status)]["content"])

    def test_without_a_credential(self, document: dict[str, Any], anybody: FlaskClient) -> None:
        for method, path, operation in operations(document):
            if operation["security"]:
                answer = anybody.open(_PLACEHOLDER.sub("1", path), method=method.upper(), json={})
                assert answer.status_code == 401
                assert answer.json in self.shown(operation, 401), f"{method} {path}"

    def test_without_the_ability(self, document: dict[str, Any], erp: FlaskClient) -> None:
        refused = 0
        for method, path, operation in operations(document):
            if operation["security"]:
                answer = erp.open(_PLACEHOLDER.sub("1", path), method=method.upper(), json={"?": 1}, query_string="?=1")
                if answer.status_code == 403:
                    refused += 1
                    assert answer.json in self.shown(operation, 403), f"{method} {path}"
        assert refused

    @pytest.mark.parametrize(
        ("body", "content_type", "status"),
        [("{", "application/json", 400), ("{}", "text/plain", 415), (" " * 1_100_000, "application/json", 413)],
    )
    def test_unreadable_body(
        self, document: dict[str, Any], erp: FlaskClient, body: str, content_type: str, status: int
    ) -> None:
        operation = document["paths"]["/api/sales/import/invoice/"]["post"]
        answer = erp.post("/api/sales/import/invoice/", data=body, content_type=content_type)
        assert answer.status_code == status
        shapes = [set(example) for example in self.shown(operation, status)]
        assert set(answer.json) in shapes

    def test_wrong_keys_and_tokens(self, document: dict[str, Any], anybody: FlaskClient) -> None:
        path = "/api/sales/import/invoice/"
        shown = self.shown(document["paths"][path]["post"], 401)
        for headers in ({"X-API-KEY": "wrong"}, {"Authorization": "Bearer x"}, {}):
            assert anybody.post(path, json={}, headers=headers).json in shown

    def test_import(self, document: dict[str, Any], erp: FlaskClient) -> None:
        operation = document["paths"]["/api/sales/import/invoice/"]["post"]
        [payload] = examples(operation["requestBody"]["content"])
        answers = [erp.post("/api/sales/import/invoice/", json=payload) for _ in range(2)]
        assert [a.status_code for a in answers] == [201, 409]
        [example] = self.shown(operation, 201)
        assert set(answers[0].json["data"]) == set(example["data"])
        assert set(answers[1].json["data"]) in [
            set(shown["data"]) for shown in self.shown(operation, 409) if "data" in shown
        ]

    def test_the_example_of_an_invoice_has_all_fields(self, document: dict[str, Any], erp: FlaskClient) -> None:
        [payload] = examples(document["paths"]["/api/sales/import/invoice/"]["post"]["requestBody"]["content"])
        made = erp.post("/api/sales/import/invoice/", json=payload).json["data"]["id"]
        [example] = self.shown(document["paths"]["/api/sales/invoices/{invoice_id}/"]["get"], 200)
        detail = erp.get(f"/api/sales/invoices/{made}/").json
        assert set(example) == set(detail)
        assert [set(item) for item in example["items"]] == [set(item) for item in detail["items"]]
        assert set(example["customer"]) == set(detail["customer"])


class TestPage:
    def test_uses_no_other_address(self, anybody: FlaskClient) -> None:
        page = anybody.get("/docs")
        assert page.status_code == 200
        assert "http://" not in page.text
        assert "https://" not in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]

    def test_each_of_its_assets_is_served_by_the_hub(self, anybody: FlaskClient) -> None:
        page = anybody.get("/docs").text
        assets = re.findall(r'(?:href|src)="([^"#]+)"', page)
        assert len(assets) >= 5
        for asset in assets:
            answer = anybody.get(asset)
            assert answer.status_code == 200, asset
            assert answer.data
            answer.close()

    @pytest.mark.parametrize("name", ["../../__init__.py", "%2e%2e/__init__.py", "nothing.js", "/etc/passwd"])
    def test_other_files_are_not_served(self, anybody: FlaskClient, name: str) -> None:
        for folder in ("assets", "own"):
            answer = anybody.get(f"/docs/{folder}/{name}")
            assert answer.status_code == 404
            assert answer.json == {"message": "Not Found."}

    @pytest.mark.parametrize(
        ("accept", "place"),
        [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "/admin"),
            ("application/json", "/docs"),
            ("*/*", "/docs"),
            ("", "/docs"),
        ],
    )
    def test_a_browser_is_redirected_to_the_pages_and_other_clients_to_the_reference(
        self, anybody: FlaskClient, accept: str, place: str
    ) -> None:
        answer = anybody.get("/", headers={"Accept": accept})
        assert (answer.status_code, answer.location, answer.vary.as_set()) == (302, place, {"accept"})
