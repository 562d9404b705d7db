"""Paths of the sales API, and how a caller of them authenticates."""

from __future__ import annotations

from app.kernel.http.app import Hub
from app.kernel.http.error_envelopes import envelope_of
from app.operations.api_docs import openapi_document
from app.sales.api.errors import SalesEnvelope


def test_every_route_of_the_package_answers_errors_in_this_envelope(app: Hub) -> None:
    views = {rule.rule: app.view_functions[rule.endpoint] for rule in app.url_map.iter_rules()}
    paths = [path for path, view in views.items() if view.__module__.startswith("app.sales.")]
    assert "/api/sales/invoices/" in paths
    assert {type(envelope_of(path)) for path in paths} == {SalesEnvelope}


def test_only_sales_operations_accept_an_api_key(app: Hub) -> None:
    document = app.json.loads(openapi_document(app))
    accepting = {
        path
        for path, operations in document["paths"].items()
        for operation in operations.values()
        if isinstance(operation, dict) and {"apiKey": []} in operation.get("security", [])
    }
    assert accepting
    assert all(path.startswith("/api/sales/") for path in accepting)
