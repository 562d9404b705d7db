"""Every route of the API that changes something: its row of the audit trail, or where else it is recorded and why.

Commands are walked in ``tests/operations/cli/test_every_command.py``. Pages call the services of these routes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from flask.testing import FlaskClient

from app.accounts import modules
from app.accounts.models.accounts import AuditEntry, User
from app.extensions import db
from app.grn import samples
from app.kernel.http.app import Hub, is_page
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.conftest import owner, owner_as
from tests.factories import PASSWORD, a_draft, a_fabric_item, a_receipt, a_sale
from tests.operations.cli.cli_helpers import stored_rows

__all__ = ["owner", "owner_as"]

SALES, GRN, V1 = "/api/sales", "/api", "/api/v1"


class Change(NamedTuple):
    """A request that changes something, and the action of its row; ``*`` in a path is the id of the last answer."""

    method: str
    path: str
    body: Any
    action: str


def _masters() -> Iterator[Change]:
    kinds = {"suppliers": samples.SUPPLIER, "products": samples.PRODUCT, "fabrics": samples.FABRIC}
    for plural, sample in {**kinds, "orders": samples.ORDER}.items():
        kind = plural.removesuffix("s")
        yield Change("POST", f"{GRN}/{plural}", sample, f"{kind}.created")
        yield Change("PUT", f"{GRN}/{plural}/{sample['id']}", {**sample, "name": "Changed"}, f"{kind}.changed")


def _removals() -> Iterator[Change]:
    rows = {
        "orders": samples.ORDER,
        "fabrics": samples.FABRIC,
        "products": samples.PRODUCT,
        "suppliers": samples.SUPPLIER,
    }
    for plural, sample in rows.items():
        yield Change("DELETE", f"{GRN}/{plural}/{sample['id']}", None, f"{plural.removesuffix('s')}.deleted")


def _floor() -> Iterator[Change]:
    internal: dict[str, Any] = {"delivery_type": "INTERNAL", "driver_id": 1}
    way: list[tuple[str, str, dict[str, Any]]] = [("picking/", "start", {}), ("picking/", "complete", {})]
    way += [("packing/", "start", {}), ("packing/", "complete", {}), ("boxing/", "complete", {"label_count": 1})]
    way += [("delivery/", "start", internal), ("delivery/", "complete", {})]
    for section, step, more in way:
        action = f"sales_invoice.{section.replace('/', '.')}{'internal' if more is internal else step}"
        yield Change("POST", f"{SALES}/{section}{step}/", {"invoice_no": "A-1", **more}, action)
    for section, step, more in way:
        action = f"sales_invoice.{section.replace('/', '.')}{'internal' if more is internal else step}"
        order = {"invoice_no": "A-2", **more}
        yield Change("POST", f"{SALES}/{section}bulk-{step}/", {"invoices": [order]}, action)
    three = {"invoice_no": "A-3"}
    yield Change("POST", f"{SALES}/hold/", {**three, "reason": "stock"}, "sales_invoice.hold")
    yield Change("POST", f"{SALES}/release/", three, "sales_invoice.release")
    yield Change("POST", f"{SALES}/picking/start/", three, "sales_invoice.picking.start")
    yield Change("POST", f"{SALES}/session/cancel/", three, "sales_invoice.picking.cancel")
    yield Change("POST", f"{SALES}/picking/start/", three, "sales_invoice.picking.start")
    yield Change("POST", f"{SALES}/billing/return/", {**three, "return_reason": "x"}, "sales_invoice.billing.return")
    correction = {**three, "resolution_notes": "done", "priority": "LOW"}
    yield Change("PATCH", f"{SALES}/update/invoice/", correction, "sales_invoice.billing.correct")
    yield Change("POST", f"{SALES}/couriers/", {"code": "C-1", "name": "Fast"}, "courier.created")
    yield Change("PATCH", f"{SALES}/couriers/1/", {"name": "Faster"}, "courier.edited")
    yield Change("PATCH", f"{SALES}/customers/1/", {"name": "Other"}, "customer.edited")
    yield Change("PATCH", f"{SALES}/salesmen/1/", {"name": "Other"}, "salesman.edited")


def _ledgers(item: str) -> Iterator[Change]:
    entry = {"type": "OUT", "outType": "Sampling", "qty": 5}
    yield Change("POST", f"{item}/ledgers", entry, "ledger_row.added")
    yield Change("DELETE", f"{item}/ledgers/*", None, "ledger_row.deleted")
    yield Change("DELETE", item.partition("/fabric-items")[0], None, "receipt.deleted")


def _einvoices() -> Iterator[Change]:
    einvoices = f"{V1}/einvoices"
    yield Change("PATCH", f"{einvoices}/seller", {"website": "https://seller.example"}, "seller.changed")
    yield Change("POST", f"{einvoices}/1/issue", None, "einvoice.issued")
    yield Change("POST", f"{einvoices}/1/links", {}, "einvoice.link_created")
    yield Change("DELETE", f"{einvoices}/1/links/1", None, "einvoice.link_revoked")
    yield Change("POST", f"{einvoices}/1/credit-notes", {"reason": "x"}, "einvoice.credit_note_drafted")
    yield Change("POST", f"{einvoices}/2/issue", None, "einvoice.issued")
    yield Change("POST", f"{einvoices}/2/returns", {"reason": "x"}, "einvoice.return_drafted")
    yield Change("POST", f"{einvoices}/3/issue", None, "einvoice.issued")
    yield Change("POST", f"{einvoices}/3/cancel", {"reason": "x"}, "einvoice.cancelled")
    yield Change("POST", f"{einvoices}/4/issue", None, "einvoice.issued")
    yield Change("POST", f"{einvoices}/4/send", None, "einvoice.queued")
    accounts = f"{V1}/provider-accounts"
    yield Change("POST", accounts, {"name": "Main", "adapter": "null"}, "provider_account.created")
    yield Change("PATCH", f"{accounts}/1", {"name": "First"}, "provider_account.changed")
    yield Change("POST", f"{accounts}/1/rotate", None, "provider_account.secret_rotated")
    yield Change("POST", f"{accounts}/1/test", None, "provider_account.tested")
    yield Change("DELETE", f"{accounts}/1", None, "provider_account.deleted")


def _webhooks() -> Iterator[Change]:
    endpoints = f"{V1}/webhooks/endpoints"
    new = {"url": "https://93.184.215.14/hook", "events": ["einvoice.*"]}
    yield Change("POST", endpoints, new, "webhook_endpoint.created")
    yield Change("PATCH", f"{endpoints}/1", {"description": "ERP"}, "webhook_endpoint.changed")
    yield Change("POST", f"{endpoints}/1/rotate", None, "webhook_endpoint.secret_rotated")
    yield Change("POST", f"{endpoints}/1/disable", None, "webhook_endpoint.disabled")
    yield Change("POST", f"{endpoints}/1/enable", None, "webhook_endpoint.enabled")
    yield Change("POST", f"{endpoints}/1/recover", {"since": "2026-01-01T00:00:00Z"}, "webhook_endpoint.recovered")
    yield Change("DELETE", f"{endpoints}/1", None, "webhook_endpoint.deleted")


#: Routes that are recorded elsewhere, or change nothing: method and path -> why.
OTHERS = {
    "POST /api/sales/import/invoice/": "the invoice names who imported it, and its event is in the log",
    "POST /api/sales/import/invoices/": "each invoice names who imported it, and has its event",
    "POST /api/invoices": "its event has the whole receipt; edits on pages have their entries",
    "PUT /api/invoices/1": "its event has the whole receipt; edits on pages have their entries",
    "DELETE /api/invoices": "the same service as by id, which is walked",
    "PUT /api/invoices/1/fabric-items/1/ledgers": "tested with its matches in tests/grn/ledgers",
    "PUT /api/invoices/1/fabric-items/1/rolls": "its event has the receipt with the new rolls",
    "PUT /api/invoices/1/fabric-items/1/rolls/file": "its event has the receipt with the new rolls",
    "PATCH /api/invoices/1/fabric-items/1/rolls/1": "its event has the finding; the roll names who inspected it",
    "POST /api/invoices/1/note.pdf": "a paper of the same data is the same",
    "POST /api/invoices/1/labels.pdf": "a paper of the same data is the same",
    "POST /api/v1/einvoices": "a draft: its history and its event say who",
    "PATCH /api/v1/einvoices/1": "a draft: its history says who",
    "POST /api/v1/einvoices/from-sales": "a draft: its history and its event say who",
    "POST /api/v1/einvoices/1/pdf": "a PDF of the same data is the same; another one is in the chain",
    "POST /api/v1/einvoices/1/provider-status": "the report is in the history and in the chain, byte for byte",
    "POST /api/v1/einvoices/1/corrections": "needs a rejection: tests/einvoices/lifecycle/test_corrections.py",
    "POST /api/v1/einvoices/1/settle-doubt": "needs a doubt: tests/einvoices/providers/test_doubt.py, and its command",
    "POST /api/v1/einvoices/check": "it stores nothing",
    "POST /api/v1/einvoices/verdict": "it stores nothing",
    "POST /api/v1/provider-accounts/1/callback": "a report of a provider, as provider-status",
    "POST /api/v1/stream/tickets": "a ticket of seconds with the rights of its caller; the log of calls has it",
    "POST /api/v1/webhooks/deliveries/1/redeliver": "needs a delivery: tests/webhooks/deliveries/test_replay.py",
    "POST /api/v1/webhooks/endpoints/1/check": "requests to a receiver, which are kept as deliveries",
    "POST /api/v1/webhooks/endpoints/1/test": "a delivery of its own, with the request and its answer",
    "POST /api/auth/token/refresh/": "the session has its entries: opened and ended",
}
LAST: tuple[Change, ...] = (
    Change("POST", "/api/auth/login/", {"email": "walker@hub.example", "password": PASSWORD}, "session.opened"),
    Change("POST", "/api/auth/logout/", None, "session.ended"),
)


#: The first item of the first receipt.
ITEM = f"{GRN}/invoices/1/fabric-items/1"


def changes() -> list[Change]:
    """All requests in an order in which each works."""
    return [*_masters(), *_floor(), *_ledgers(ITEM), *_removals(), *_einvoices(), *_webhooks(), *LAST]


def prepare(client: FlaskClient) -> None:
    """What the requests change."""
    for number in ("A-1", "A-2", "A-3"):
        assert client.post(f"{SALES}/import/invoice/", json=a_sale(invoice_no=number)).status_code == 201
    for _ in range(3):
        assert client.post(f"{V1}/einvoices", json=a_draft()).status_code == 201


def receive(client: FlaskClient) -> None:
    """A goods receipt with one item."""
    answer = client.post(f"{GRN}/invoices", json=a_receipt(a_fabric_item(100)))
    assert answer.status_code == 201, answer.text


def enable_webhooks(user_id: int) -> None:
    """Give a user the module of webhooks."""
    with unit_of_work():
        modules.enable(db.session.get_one(User, user_id), "feature.einvoice_webhooks", actor="test")


def changing_routes(app: Hub) -> dict[tuple[str, str], str]:
    """Method and endpoint -> method and path with 1 for each id, of all routes of the API that are no reads."""
    found = {}
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods - {"GET", "HEAD", "OPTIONS"}):
            if not is_page(rule.rule) and rule.rule.startswith("/api") and "fabricItems" not in rule.rule:
                found[method, rule.endpoint] = f"{method} {_numbered(rule.rule)}"
    return found


def _numbered(rule: str) -> str:
    return "/".join("1" if part.startswith("<") else part for part in rule.split("/"))


def test_every_route_is_walked_or_has_a_reason(app: Hub) -> None:
    adapter = app.url_map.bind("localhost")
    walked = {
        (change.method, adapter.match(change.path.replace("*", "1"), method=change.method)[0]) for change in changes()
    }
    routes = changing_routes(app)
    assert {routes[key] for key in routes.keys() - walked} == set(OTHERS)
    assert len(walked) > 55


def test_each_change_is_in_the_audit_trail(owner_as: Callable[..., FlaskClient]) -> None:
    client = owner_as("admin", email="walker@hub.example")
    enable_webhooks(client.user_id)
    prepare(client)
    last, seen = "", 0
    for change in changes():
        if change.action == "ledger_row.added":
            receive(client)
        seen = len(stored_rows(AuditEntry))
        answer = client.open(change.path.replace("*", last), method=change.method, json=change.body)
        assert answer.status_code < 300, (change, answer.status_code, answer.text)
        if answer.data and isinstance(answer.json, dict):
            last = str(answer.json.get("id", ""))
        written = stored_rows(AuditEntry)[seen:]
        assert change.action in [row.action for row in written], (change, [row.action for row in written])
        assert all(row.actor and row.subject and row.request_id for row in written), change
    texts = " ".join(str(row.details) for row in stored_rows(AuditEntry))
    assert [secret for secret in (PASSWORD, "whsec_", "ihub_") if secret in texts] == []
