"""The API reference follows the recommended rules of Redocly and Spectral; its examples and schemas fit each other."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from flask.testing import FlaskClient

from app.accounts import modules
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.nodejs import ROOT, run_npm_program

Json = dict[str, Any]
#: Rows that other examples refer to, and operations whose example needs nothing but these.
MASTERS = ("/api/sales/couriers/", "/api/suppliers", "/api/fabrics", "/api/products", "/api/orders")
CREATING = ("/api/sales/import/invoice/", "/api/invoices", "/api/v1/einvoices", "/api/v1/webhooks/endpoints")
CASE = ROOT / "tests" / "cases" / "openapi-dates-of-goods-receipts.sh"


@pytest.fixture
def document(anybody: FlaskClient) -> Json:
    parsed: Json = json.loads(anybody.get("/openapi.json").text)
    return parsed


@pytest.fixture
def file(document: Json, tmp_path: Path) -> str:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.mark.drill
class TestLinters:
    def test_redocly(self, file: str) -> None:
        done = run_npm_program("redocly", "lint", file, "--config", str(ROOT / "redocly.yaml"), "--format", "json")
        report = json.loads(done.stdout)
        assert [f"{p['ruleId']} {p['location'][0]['pointer']}: {p['message']}" for p in report["problems"]] == []

    def test_spectral(self, file: str) -> None:
        done = run_npm_program(
            "spectral", "lint", file, "--ruleset", str(ROOT / ".spectral.yaml"), "--fail-severity", "hint"
        )
        assert done.returncode == 0, done.stdout
        assert "No results" in done.stdout

    def test_they_find_a_fault(self, document: Json, tmp_path: Path) -> None:
        del document["servers"]
        bad = tmp_path / "bad.json"
        bad.write_text(json.dumps(document))
        for program, option, config in (
            ("redocly", "--config", "redocly.yaml"),
            ("spectral", "--ruleset", ".spectral.yaml"),
        ):
            done = run_npm_program(program, "lint", str(bad), option, str(ROOT / config))
            assert "ervers" in done.stdout + done.stderr


def test_dates_of_goods_receipts_are_integers_in_answers(document: Json) -> None:
    """``openapi-dates-of-goods-receipts.sh``: a generated Python client could read no receipt."""
    schemas = document["components"]["schemas"]
    assert "S['Receipt']['properties']['invoiceDate']" in CASE.read_text()
    for schema, date in (("Receipt", "invoiceDate"), ("FabricItem", "grnDate"), ("ReceiptSummary", "createdDate")):
        assert schemas[schema]["properties"][date]["type"] == "integer"
    sent = schemas["NewReceipt"]["properties"]["invoiceDate"]
    assert set(sent["type"]) == {"string", "integer", "null"}


class TestSchemas:
    def test_answers_name_what_is_always_there_and_allow_more(self, document: Json) -> None:
        schemas = document["components"]["schemas"]
        for name in ("Receipt", "Invoice", "Customer", "Einvoice", "Endpoint", "SalesError"):
            assert schemas[name]["required"], name
            assert "additionalProperties" not in schemas[name], name
        assert schemas["Customer"]["properties"]["id"] == {"type": "integer", "format": "int64"}

    def test_requests_refuse_what_the_hub_refuses(self, document: Json) -> None:
        schemas = document["components"]["schemas"]
        customer, receipt = schemas["CustomerInput"], schemas["ReceiptChange"]
        assert customer["additionalProperties"] is False
        assert "id" not in customer["properties"]
        assert set(customer["properties"]["email"]["type"]) == {"string", "null"}
        assert "createdDate" in receipt["properties"]  # ignored, so that the body of a GET can be sent back

    @pytest.mark.parametrize(
        ("schema", "body", "is_valid"),
        [
            ("NewRoll", {"supplierRollNo": "R1", "supplierLength": "100.2"}, True),
            ("NewRoll", {"supplierRollNo": "R1", "supplierLength": "-1"}, False),
            ("NewRoll", {"supplierRollNo": "R1", "supplierLength": "1,5"}, False),
            ("NewRoll", {"supplierRollNo": " "}, False),
            ("ItemInput", {"name": "A", "item_code": "A", "quantity": "0", "mrp": 1}, False),
            ("ItemInput", {"name": "A", "item_code": "A", "quantity": "10", "mrp": ".5"}, True),
            ("Correction", {"invoice_no": "A", "replace_items": None}, False),
            ("Correction", {"invoice_no": "A", "items": None}, True),
            ("Inspection", {}, False),
        ],
    )
    def test_a_request_is_described_as_it_is_read(
        self, document: Json, schema: str, body: Json, is_valid: bool
    ) -> None:
        reference = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
        assert jsonschema_rs.Draft202012Validator(reference).is_valid(body) is is_valid

    def test_free_objects_say_so(self, document: Json) -> None:
        for name, schema in document["components"]["schemas"].items():
            for key, value in schema.get("properties", {}).items():
                if "object" in value.get("type", ()) and "properties" not in value:
                    assert value.get("additionalProperties"), f"{name}.{key}"

    def test_limits_are_declared(self, document: Json) -> None:
        operation = document["paths"]["/api/invoices"]["get"]
        parameters = {parameter["name"]: parameter["schema"] for parameter in operation["parameters"]}
        assert "invoiceNo,desc" in parameters["sort"]["enum"]
        assert parameters["pageSize"]["maximum"] == 100
        quantity = document["components"]["schemas"]["NewRoll"]["properties"]["supplierLength"]
        assert quantity["exclusiveMaximum"] == 10**12

    def test_headers_and_parts_of_files_are_declared(self, document: Json) -> None:
        receipts = document["paths"]["/api/invoices"]["post"]["responses"]
        assert {"Location", "X-Request-Id", "X-RateLimit-Limit", "Idempotent-Replayed"} <= set(
            receipts["201"]["headers"]
        )
        assert "Retry-After" in receipts["429"]["headers"]
        note = document["paths"]["/api/invoices/{invoice_id}/note.pdf"]["get"]["responses"]
        assert "Content-Range" in note["206"]["headers"]
        reads = {path: methods["get"]["responses"] for path, methods in document["paths"].items() if "get" in methods}
        ranged = {path: "416" in responses for path, responses in reads.items() if "206" in responses}
        assert len(ranged) > 2
        assert all(ranged.values()), ranged
        assert {"ETag", "Accept-Ranges"} <= set(note["200"]["headers"])
        assert "Retry-After" in note["404"]["headers"]
        assert {"id", "fabricItemIds", "state", "reason"} <= set(
            document["components"]["schemas"]["GrnError"]["properties"]
        )


def contents(document: Json) -> Iterator[tuple[str, Json]]:
    """Each JSON content of a request or an answer, and where it is."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "parameters":
                continue
            for name, body in [("request", operation.get("requestBody", {})), *operation["responses"].items()]:
                if "application/json" in body.get("content", {}):
                    yield f"{method} {path} {name}", body["content"]["application/json"]


class TestExamples:
    def test_each_passes_its_own_schema(self, document: Json) -> None:
        faults, count = [], 0

        @cache
        def validator_of(schema: str) -> jsonschema_rs.Draft202012Validator:
            whole = {**json.loads(schema), "components": document["components"]}
            return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)

        for where, content in contents(document):
            validator = validator_of(json.dumps(content["schema"]))
            shown = [content["example"]] if "example" in content else []
            for example in [*shown, *(one["value"] for one in content.get("examples", {}).values())]:
                count += 1
                faults += [f"{where}: {error.message[:200]}" for error in validator.iter_errors(example)]
        assert faults == []
        assert count > 500

    def test_the_hub_accepts_each_request(self, document: Json, client_as: Callable[..., FlaskClient]) -> None:

        admin = client_as("admin", email="asha@pharmacy.example")
        with unit_of_work():
            for module in modules.MODULES:
                modules.enable(db.session.query(User).one(), module, actor="test")
        requests = [
            (method, path, operation["requestBody"]["content"]["application/json"]["example"])
            for path, operations in document["paths"].items()
            for method, operation in operations.items()
            if method != "parameters" and "application/json" in operation.get("requestBody", {}).get("content", {})
        ]
        requests.sort(key=lambda request: request[1] not in MASTERS)
        assert len(requests) > 40
        for method, path, example in requests:
            answer = admin.open(re.sub(r"\{\w+\}", "1", path), method=method.upper(), json=example)
            if path in MASTERS or path in CREATING:
                assert answer.status_code == 201, f"{path}: {answer.text}"
            refused_by_state = answer.status_code in {404, 409} or "Current status" in answer.text
            unknown_secret = path.startswith(("/api/auth/", "/api/v1/provider-accounts/")) and answer.status_code == 401
            assert answer.status_code < 300 or refused_by_state or unknown_secret, f"{method} {path}: {answer.text}"
