"""Every route and page that changes something: its row in the audit trail, or the record that it has instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.accounts.models.accounts import AuditEntry, User
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceSending
from app.extensions import db
from app.grn import samples as grn_samples
from app.grn.demo import make_demo
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.factories import PASSWORD, a_draft, a_fabric_item, a_receipt, a_roll, a_sale

SALES = "/api/sales"
#: Method and endpoint -> where the test of its audit row is, what it writes instead, or why it writes nothing.
OTHERS = {
    "POST Accounts.Refresh": "the session of the user has the time",
    "POST Deliveries.Redeliver": "needs a delivery: tests/admin/test_every_page_change.py",
    "POST E-invoices.Pdf": "a PDF of the same data is the same, byte for byte",
    "POST Papers.Labels": "a PDF of the same data is the same, byte for byte",
    "POST Papers.Note": "a PDF of the same data is the same, byte for byte",
    "POST E-invoices.ProviderStatus": "the history of the e-invoice, with all that the provider said",
    "POST Provider accounts.Callback": "the history of the e-invoice, with all that the provider said",
    "POST Legal documents.DocumentCheck": "what it stores for the official rules is gone after minutes",
    "POST Legal documents.DocumentVerdict": "it stores nothing",
    "POST Events.Tickets": "a ticket is valid for a minute and opens one stream",
    "POST Webhooks.RequestCheck": "the check is a row with all its attempts",
    "POST Webhooks.Test": "the delivery is a row with all its attempts",
    "POST Sales.Import": "the invoice names who imported it, and has its event",
    "POST Sales bulk.BulkImport": "each invoice names who imported it, and has its event",
    "PUT Fabric items.RollFile": "the service of the rolls, which is walked",
}
#: tests/admin/test_every_page_change.py walks the forms of the pages.
PAGES = "admin."
#: Kinds of objects that belong to a user, who reads what is done to them.
OWNED = ("einvoice.", "provider_account.", "webhook_endpoint.", "webhook_delivery.")
LEDGERS = "/api/invoices/1/fabric-items/26/ledgers"
ROLLS = "/api/invoices/1/fabric-items/26/rolls"

Step = tuple[str, str, Any, str]


def actions_since(last_id: int) -> list[str]:
    db.session.rollback()
    rows = db.session.scalars(select(AuditEntry).where(AuditEntry.id > last_id)).all()
    assert all(row.actor and row.subject and row.request_id for row in rows)
    without_owner = [row.action for row in rows if row.owner_id is None]
    assert [name for name in without_owner if name.startswith(OWNED)] == []
    return [row.action for row in rows]


def last_entry() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.max(AuditEntry.id))) or 0


def endpoint_of(app: Hub, method: str, path: str) -> str:
    endpoint, _ = app.url_map.bind("hub").match(path, method)
    return f"{method} {endpoint}"


@pytest.fixture
def admin(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    client = client_as("admin", email="walker@hub.example")
    with unit_of_work():
        make_demo()
    newest = db.session.scalars(select(User).order_by(User.id.desc()).limit(1)).one()
    sample_data.enable_module(newest)
    sample_data.enable_module(newest, "feature.einvoice_webhooks")
    sample_data.make_seller(newest)
    return client


def put_in_doubt(einvoice_id: int) -> None:
    with unit_of_work():
        db.session.execute(update(EinvoiceSending).values(state="failed", in_doubt=True))
        db.session.get_one(Einvoice, einvoice_id).provider_status = "in_doubt"


def reject(einvoice_id: int) -> None:
    with unit_of_work():
        db.session.execute(update(Einvoice).where(Einvoice.id == einvoice_id).values(status="rejected"))


def receipts_of_goods() -> Iterator[Step]:
    """Steps of goods receipts and their master data."""
    for name in ("supplier", "product", "fabric", "order"):
        sample = {**getattr(grn_samples, name.upper()), "id": 900, "externalId": f"X-{name}"}
        for child in ("flowInfoList", "colors"):
            sample.pop(child, None)
        yield "POST", f"/api/{name}s", sample, f"{name}.created"
        yield "PUT", f"/api/{name}s/900", {**sample, "name": "Other"}, f"{name}.changed"
        yield "DELETE", f"/api/{name}s/900", None, f"{name}.deleted"
    receipt = a_receipt(a_fabric_item(), invoiceNo="INV-CHANGED")
    yield "POST", "/api/invoices", receipt, "receipt.created"
    yield "PUT", ROLLS, {"supplierRollList": [a_roll(supplierRollNo="R1")]}, "receipt.packing_list_replaced"
    yield "PATCH", f"{ROLLS}/<roll>", {"length": 99}, "roll.inspected"
    yield "PUT", LEDGERS, grn_samples.ASSOCIATION, "associations.replaced"
    yield "POST", LEDGERS, grn_samples.ENTRY, "ledger_row.added"
    yield "DELETE", f"{LEDGERS}/<row>", None, "ledger_row.deleted"
    yield "PUT", "/api/invoices/<receipt>", {**receipt, "invoiceNo": "CHANGED"}, "receipt.changed"
    yield "DELETE", "/api/invoices/<receipt>", None, "receipt.deleted"
    yield "POST", "/api/invoices", a_receipt(externalId="GONE"), "receipt.created"
    yield "DELETE", "/api/invoices?externalId=GONE", None, "receipt.deleted"


def walk(app: Hub, client: FlaskClient, steps: Iterator[Step], names: dict[str, int]) -> set[str]:
    """Take steps, each of which must write its audit row; ``names`` are ids, by the placeholder in a path."""
    walked = set()
    for method, template, body, action in steps:
        path = re.sub("<(.+?)>", lambda found: str(names[found[1]]), template)
        before = last_entry()
        answer = client.open(path, method=method, json=body)
        assert answer.status_code < 300, (method, path, answer.text)
        assert action in actions_since(before), (method, path, actions_since(before))
        walked.add(endpoint_of(app, method, path.partition("?")[0]))
        learn(names, path, answer)
    return walked


def learn(names: dict[str, int], path: str, answer: Any) -> None:
    """Remember the ids of what was made."""
    made = answer.json if answer.content_length and answer.is_json else None
    if path == "/api/invoices":
        names["receipt"] = made["id"]
    elif path == ROLLS:
        names["roll"] = (made["supplierRollList"] if isinstance(made, dict) else made)[0]["id"]
    elif path == LEDGERS and isinstance(made, dict):
        names["row"] = made["id"]
    elif path.endswith("/links"):
        names["link"] = made["id"]
    elif path == "/api/v1/provider-accounts":
        names["account"] = made["id"]


def einvoice_steps(admin: FlaskClient, erp: FlaskClient) -> Iterator[Step]:
    """Steps of e-invoices and provider accounts."""
    url, accounts = "/api/v1/einvoices", "/api/v1/provider-accounts"

    def issued() -> str:
        made = admin.post(url, json=a_draft(provider="http")).json["id"]
        assert admin.post(f"{url}/{made}/issue").status_code == 200
        return f"{url}/{made}"

    draft = f"{url}/{admin.post(url, json=a_draft(provider='http')).json['id']}"
    yield "POST", url, a_draft(provider="http"), "einvoice.created"
    yield "PATCH", draft, {"notes": "x"}, "einvoice.changed"
    yield "POST", f"{draft}/issue", None, "einvoice.issued"
    yield "POST", f"{draft}/send", None, "einvoice.queued"
    put_in_doubt(int(draft.rpartition("/")[2]))
    yield "POST", f"{draft}/settle-doubt", {"taken": True, "reason": "x"}, "einvoice.doubt_settled"
    yield "POST", f"{issued()}/cancel", {"reason": "x"}, "einvoice.cancelled"
    yield "POST", f"{issued()}/returns", {"reason": "x"}, "einvoice.return_drafted"
    yield "POST", f"{issued()}/credit-notes", {"reason": "x"}, "einvoice.credit_note_drafted"
    rejected = issued()
    reject(int(rejected.rpartition("/")[2]))
    yield "POST", f"{rejected}/corrections", {}, "einvoice.corrected"
    yield "POST", f"{draft}/links", {}, "einvoice.link_created"
    yield "DELETE", f"{draft}/links/<link>", None, "einvoice.link_revoked"
    sale = a_sale()
    assert erp.post("/api/sales/import/invoice/", json=sale).status_code == 201
    yield "POST", f"{url}/from-sales", {"invoice_no": sale["invoice_no"]}, "einvoice.created"
    yield "POST", accounts, {"name": "A", "adapter": "null"}, "provider_account.created"
    yield "PATCH", f"{accounts}/<account>", {"name": "B"}, "provider_account.changed"
    yield "POST", f"{accounts}/<account>/test", None, "provider_account.tested"
    yield "POST", f"{accounts}/<account>/rotate", {}, "provider_account.secret_rotated"
    yield "DELETE", f"{accounts}/<account>", None, "provider_account.deleted"


def floor_steps() -> Iterator[Step]:
    """Steps of the sales invoices A-1 to A-3, and of the master data of sales."""
    internal: dict[str, Any] = {"delivery_type": "INTERNAL", "driver_id": 1}
    way: list[tuple[str, str, dict[str, Any]]] = [("picking/", "start", {}), ("picking/", "complete", {})]
    way += [("packing/", "start", {}), ("packing/", "complete", {}), ("boxing/", "complete", {"label_count": 1})]
    way += [("delivery/", "start", internal), ("delivery/", "complete", {})]
    for section, step, more in way:
        action = f"sales_invoice.{section.replace('/', '.')}{'internal' if more is internal else step}"
        yield "POST", f"{SALES}/{section}{step}/", {"invoice_no": "A-1", **more}, action
    for section, step, more in way:
        action = f"sales_invoice.{section.replace('/', '.')}{'internal' if more is internal else step}"
        order = {"invoice_no": "A-2", **more}
        yield "POST", f"{SALES}/{section}bulk-{step}/", {"invoices": [order]}, action
    three = {"invoice_no": "A-3"}
    yield "POST", f"{SALES}/hold/", {**three, "reason": "stock"}, "sales_invoice.hold"
    yield "POST", f"{SALES}/release/", three, "sales_invoice.release"
    yield "POST", f"{SALES}/picking/start/", three, "sales_invoice.picking.start"
    yield "POST", f"{SALES}/session/cancel/", three, "sales_invoice.picking.cancel"
    yield "POST", f"{SALES}/picking/start/", three, "sales_invoice.picking.start"
    yield "POST", f"{SALES}/billing/return/", {**three, "return_reason": "x"}, "sales_invoice.billing.return"
    correction = {**three, "resolution_notes": "done", "priority": "LOW"}
    yield "PATCH", f"{SALES}/update/invoice/", correction, "sales_invoice.billing.correct"
    yield "POST", f"{SALES}/couriers/", {"code": "C-1", "name": "Fast"}, "courier.created"
    yield "PATCH", f"{SALES}/couriers/1/", {"name": "Faster"}, "courier.edited"
    yield "PATCH", f"{SALES}/customers/1/", {"name": "Other"}, "customer.edited"
    yield "PATCH", f"{SALES}/salesmen/1/", {"name": "Other"}, "salesman.edited"


def webhook_steps() -> Iterator[Step]:
    """Steps of an endpoint of webhooks."""
    endpoints = "/api/v1/webhooks/endpoints"
    new = {"url": "https://93.184.215.14/hook?key=s3cret", "events": ["einvoice.*"]}
    yield "POST", endpoints, new, "webhook_endpoint.created"
    yield "PATCH", f"{endpoints}/1", {"description": "ERP", "headers": {"X": "s3cret"}}, "webhook_endpoint.changed"
    yield "POST", f"{endpoints}/1/rotate", None, "webhook_endpoint.secret_rotated"
    yield "POST", f"{endpoints}/1/disable", None, "webhook_endpoint.disabled"
    yield "POST", f"{endpoints}/1/enable", None, "webhook_endpoint.enabled"
    yield "POST", f"{endpoints}/1/recover", {"since": "2026-01-01T00:00:00Z"}, "webhook_endpoint.recovered"
    yield "DELETE", f"{endpoints}/1", None, "webhook_endpoint.deleted"


def session_steps() -> Iterator[Step]:
    """Steps of a seller's profile and of a session, which they end."""
    yield "PATCH", "/api/v1/einvoices/seller", {"website": "https://seller.example"}, "seller.changed"
    yield "POST", "/api/auth/login/", {"email": "walker@hub.example", "password": PASSWORD}, "session.opened"
    yield "POST", "/api/auth/logout/", None, "session.ended"


#: Action -> old and new value of what the walk changes.
STATED: dict[str, Any] = {
    "courier.edited": {"name": ["Fast", "Faster"]},
    "customer.edited": {"name": [a_sale()["customer"]["name"], "Other"]},
    "salesman.edited": {"name": [a_sale()["salesman"], "Other"]},
    "provider_account.changed": {"name": ["A", "B"]},
    "receipt.changed": {"invoice_no": ["INV-CHANGED", "CHANGED"]},
    "roll.inspected": {"inspected_length": [None, Decimal("99.0")]},
    "seller.changed": {"website": ["", "https://seller.example"]},
    "webhook_endpoint.changed": {"description": ["", "ERP"], "header_names": [[], ["X"]]},
    **{
        f"{name}.changed": {"name": [getattr(grn_samples, name.upper())["name"], "Other"]}
        for name in ("supplier", "product", "fabric", "order")
    },
}


def stated_changes() -> dict[str, Any]:
    """The newest changes in the audit trail, by their action."""
    db.session.rollback()
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    return {row.action: row.details["changed"] for row in rows if isinstance(row.details.get("changed"), dict)}


def changing_endpoints(app: Hub) -> set[str]:
    """All routes of the API that are no GET."""
    return {
        f"{method} {rule.endpoint}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if not rule.endpoint.startswith(PAGES)
    }


@pytest.mark.slow
def test_every_route_that_changes_something_is_audited_or_has_a_reason(
    app: Hub, admin: FlaskClient, erp: FlaskClient
) -> None:
    for number in ("A-1", "A-2", "A-3"):
        assert erp.post(f"{SALES}/import/invoice/", json=a_sale(invoice_no=number)).status_code == 201
    parts = (receipts_of_goods(), einvoice_steps(admin, erp), floor_steps(), webhook_steps(), session_steps())
    walked = set().union(*(walk(app, admin, steps, {}) for steps in parts))
    assert changing_endpoints(app) - walked == set(OTHERS)
    assert stated_changes() == STATED
    texts = " ".join(str(details) for details in db.session.scalars(select(AuditEntry.details)))
    assert [secret for secret in (PASSWORD, "whsec_", "ihub_", "s3cret") if secret in texts] == []
