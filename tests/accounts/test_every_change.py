"""Every route and page that changes something: its row in the audit trail, or the record that it has instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
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
from tests.factories import a_draft, a_fabric_item, a_receipt, a_roll, a_sale

#: Method and endpoint -> where the test of its audit row is.
TESTED = {
    "POST Accounts.Login": "tests/accounts/login/test_sessions.py",
    "POST Accounts.Logout": "tests/accounts/login/test_sessions.py",
    **{
        f"POST Webhooks.{name}": "tests/webhooks/api/test_endpoints.py"
        for name in ("Endpoints", "Rotate", "Enable", "Disable", "Recover")
    },
    **{f"{method} Webhooks.Detail": "tests/webhooks/api/test_endpoints.py" for method in ("PATCH", "DELETE")},
    "PATCH Seller.Profile": "tests/einvoices/test_seller_api.py",
    "POST Deliveries.Redeliver": "tests/webhooks/deliveries/test_replay.py",
    **{f"{method} Sales masters.One{name}": "tests/sales" for method, name in [("PATCH", "Courier")]},
    **{f"PATCH Sales masters.One{name}": "tests/sales" for name in ("Customer", "Salesman")},
    "POST Sales masters.Couriers": "tests/sales",
}
#: Method and endpoint -> what it writes instead of an audit row, or why it writes nothing.
OTHERS = {
    "POST Accounts.Refresh": "the session of the user has the time",
    "POST E-invoices.Pdf": "a PDF of the same data is the same, byte for byte",
    "POST Papers.Labels": "a PDF of the same data is the same, byte for byte",
    "POST Papers.Note": "a PDF of the same data is the same, byte for byte",
    "POST E-invoices.ProviderStatus": "the history of the e-invoice, with all that the provider said",
    "POST Provider accounts.Callback": "the history of the e-invoice, with all that the provider said",
    "POST Legal documents.DocumentCheck": "it stores nothing",
    "POST Legal documents.DocumentVerdict": "it stores nothing",
    "POST Events.Tickets": "a ticket is valid for a minute and opens one stream",
    "POST Webhooks.RequestCheck": "the check is a row with all its attempts",
    "POST Webhooks.Test": "the delivery is a row with all its attempts",
    "POST Sales.Import": "each invoice has its event",
    "POST Sales bulk.BulkImport": "each invoice has its event",
    "PATCH Sales.Update": "the history of the invoice",
    "POST Sales.Return": "the history of the invoice",
}
#: Endpoints of the floor: every step is in the history of the invoice, with its user.
FLOOR = "Sales floor."
#: Pages call the services of the API, whose rows are tested there; these are walked here besides.
PAGES = "admin."
LEDGERS = "/api/invoices/1/fabric-items/26/ledgers"
ROLLS = "/api/invoices/1/fabric-items/26/rolls"

Step = tuple[str, str, Any, str]


def actions_since(last_id: int) -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(AuditEntry.action).where(AuditEntry.id > last_id)))


def last_entry() -> int:
    db.session.rollback()
    return db.session.scalar(select(func.max(AuditEntry.id))) or 0


def endpoint_of(app: Hub, method: str, path: str) -> str:
    endpoint, _ = app.url_map.bind("hub").match(path, method)
    return f"{method} {endpoint}"


@pytest.fixture
def admin(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    client = client_as("admin")
    with unit_of_work():
        make_demo()
    newest = db.session.scalars(select(User).order_by(User.id.desc()).limit(1)).one()
    sample_data.enable_module(newest)
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
        yield "PUT", f"/api/{name}s/900", sample, f"{name}.changed"
        yield "DELETE", f"/api/{name}s/900", None, f"{name}.deleted"
    receipt = a_receipt(a_fabric_item())
    yield "POST", "/api/invoices", receipt, "receipt.created"
    yield "PUT", ROLLS, {"supplierRollList": [a_roll(supplierRollNo="R1")]}, "receipt.packing_list_replaced"
    yield "PATCH", f"{ROLLS}/<roll>", {"length": 99}, "receipt.roll_inspected"
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


def changing_endpoints(app: Hub) -> set[str]:
    """All routes of the API that are no GET."""
    return {
        f"{method} {rule.endpoint}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if not rule.endpoint.startswith(PAGES)
    }


def test_every_route_that_changes_something_is_audited_or_has_a_reason(
    app: Hub, admin: FlaskClient, erp: FlaskClient
) -> None:
    walked = walk(app, admin, receipts_of_goods(), {}) | walk(app, admin, einvoice_steps(admin, erp), {})
    rest = {name for name in changing_endpoints(app) - walked if not name.removeprefix("POST ").startswith(FLOOR)}
    # ``…/rolls/file`` calls the service of ``…/rolls``.
    assert rest - {"PUT Fabric items.RollFile"} == {*TESTED, *OTHERS}
