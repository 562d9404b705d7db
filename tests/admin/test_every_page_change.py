"""Every form of the pages that changes something, sent as its page shows it: its row in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import lxml.html
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select, update

from app.accounts.models.accounts import ApiKey, AuditEntry, User
from app.accounts.models.tokens import AccessToken
from app.einvoices.models.links import EinvoiceLink
from app.einvoices.models.provider_accounts import ProviderAccount
from app.events.relay import relay
from app.extensions import db
from app.grn.models.masters import FlowInfo, ProductionOrder, Supplier
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.operations.models import FailedTask
from app.operations.monitoring import failed_tasks
from app.sales.models.invoices import SalesInvoice
from app.sales.models.masters import Customer
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import Endpoint
from tests.accounts.test_every_change import actions_since, endpoint_of, last_entry, put_in_doubt, reject
from tests.admin import sample_data
from tests.admin.client import csrf_token
from tests.factories import PASSWORD, a_user

#: A new password, typed twice.
WORDS = {"password": "another long pass phrase", "again": "another long pass phrase"}
ROOT = Path(__file__).resolve().parents[2]
#: Forms of the pages that write no row, and why; or the test that has them.
OTHERS = {
    "einvoices.change_buyer": "tests/admin/test_audited_pages.py: the form stands beside what is missing",
    "einvoices.reprint": "a PDF of the same data is the same, byte for byte",
    "einvoice_steps.pdfs": "it changes nothing: a ZIP of PDFs",
    "labels.create": "a PDF of the same data is the same, byte for byte",
    "receipts.reprint": "a PDF of the same data is the same, byte for byte",
    "receipt_steps.papers": "a PDF of the same data is the same, byte for byte",
    "list_columns.choose": "which columns a person sees; it protects and reveals nothing",
    "login.language": "the language of a browser that is not signed in",
    "login.sign_in": "session.opened and session.refused: tests/accounts/login",
    "login.sign_out": "session.ended: it would end the walk",
    "login.invitation": "user.invitation_accepted: tests/accounts/login/test_invitations.py",
    "receipt_upload.preview": "it stores nothing",
    "receipt_upload.refused": "it changes nothing: the refused rows as a file",
    "roll_upload.preview": "it stores nothing",
    "roll_upload.refused": "it changes nothing: the refused rows as a file",
    "sales_upload.preview": "it stores nothing",
    "sales_upload.refused": "it changes nothing: the refused rows as a file",
    "sales_upload.upload": "each invoice names who imported it, and has its event",
    "webhooks.check": "the check is a row with all its attempts",
    "webhooks.test": "the delivery is a row with all its attempts",
}


class Walk:
    """A signed-in user who sends the forms of pages."""

    def __init__(self, app: Hub, client: FlaskClient) -> None:
        self.app, self.client = app, client
        self.walked: set[str] = set()

    def send(self, page: str, action: str, expected: str, **fields: Any) -> None:
        """Send the form of ``page`` for ``action`` with the values that it shows, changed by ``fields``."""
        shown = self.client.get(page)
        assert shown.status_code == 200, (page, shown.status_code)
        self._post(page, action, expected, {**_values(shown.text, page, action), **fields})

    def upload(self, page: str, expected: str, content: str) -> None:
        """Send a table as a file: first for the preview, then with what the preview adds to the form."""

        def file() -> dict[str, Any]:
            return {"file": (BytesIO(content.encode()), "table.csv")}

        shown = self.client.get(page).text
        preview = self.client.post(f"{page}/preview", data={**_values(shown, page, page), **file()})
        self._post(page, page, expected, {**_values(preview.text, page, page), **file()})

    def post(self, page: str, action: str, expected: str, **fields: Any) -> None:
        """Send a form that ``page`` shows only to somebody with something to do."""
        self._post(page, action, expected, {"csrf_token": csrf_token(self.client, page), **fields})

    def _post(self, page: str, action: str, expected: str, data: dict[str, Any]) -> None:
        before = last_entry()
        answer = self.client.post(action, data=data, headers={"Referer": f"http://x{page}"})
        assert answer.status_code < 400, (action, answer.text)
        written = actions_since(before)
        assert expected in written, (action, written, answer.text)
        self.walked.add(endpoint_of(self.app, "POST", action).removeprefix("POST admin."))


def _values(text: str, page: str, action: str) -> dict[str, Any]:
    """What a browser would send of the form that goes to ``action``; a button may say so."""
    tree = lxml.html.fromstring(text)
    for template in list(tree.iter("template")):
        template.drop_tree()
    buttons = {button.get("form") for button in tree.xpath("//button[@formaction=$action]", action=action)}
    inner = {form for form in tree.forms if form.xpath(".//button[@formaction=$action]", action=action)}
    found = [
        form
        for form in tree.forms
        if form.get("method") == "post"
        and (
            form.get("action", page).partition("?")[0] == action or form in inner or form.get("id") in buttons - {None}
        )
    ]
    assert found, (page, action)
    values: dict[str, Any] = {}
    for name, value in found[0].form_values():
        values.setdefault(name, []).append(value)
    return values


def newest(model: Any) -> int:
    db.session.rollback()
    return int(db.session.scalar(select(func.max(model.id))))


@pytest.fixture
def user(create_user: Callable[..., User]) -> User:
    user = sample_data.enable_module(create_user("admin"))
    sample_data.enable_module(user, "feature.einvoice_webhooks")
    sample_data.make_seller(user)
    return user


@pytest.fixture
def walk(app: Hub, signed_in_client: Callable[..., FlaskClient], user: User) -> Walk:
    return Walk(app, signed_in_client(user))


def of_people(walk: Walk, user: User) -> None:
    """Accounts, users, modules, keys and tokens."""
    with unit_of_work():
        other = a_user(role="billing").id
    walk.send("/admin/account", "/admin/account/look", "user.preferences_changed", language="tr")
    new = {"email": "new@hub.example", "name": "New", "role": "billing", "password": PASSWORD}
    walk.send("/admin/users/new", "/admin/users/new", "user.created", **new)
    for step, expected in {"invitation": "user.invited", "deactivate": "user.deactivated"}.items():
        walk.send("/admin/users", f"/admin/users/{other}/{step}", expected)
    walk.send("/admin/users", f"/admin/users/{other}/activate", "user.activated")
    walk.send("/admin/users", f"/admin/users/{other}/role", "user.role_changed", role="warehouse")
    walk.send("/admin/users", f"/admin/users/{other}/password", "user.password_changed")
    module = f"/admin/modules/{user.id}/feature.einvoice_webhooks"
    for step, expected in {"renew": "enabled", "period": "enabled", "end": "disabled"}.items():
        walk.send(f"/admin/modules/{user.id}", f"{module}/{step}", f"module.{expected}")
    walk.send("/admin/settings/keys/new", "/admin/settings/keys/new", "api_key.created", name="ERP")
    key = f"/admin/settings/keys/{newest(ApiKey)}"
    walk.send("/admin/settings/keys", f"{key}/allowlist", "api_key.allowlist_changed", allowlist="10.0.0.0/8")
    walk.send("/admin/settings/keys", f"{key}/rotate", "api_key.rotated")
    walk.send("/admin/settings/keys", f"/admin/settings/keys/{newest(ApiKey)}/revoke", "api_key.revoked")
    abilities = ["sales:read"]
    walk.send("/admin/settings/api/new", "/admin/settings/api/new", "token.created", name="Shop", abilities=abilities)
    token = f"/admin/settings/api/{newest(AccessToken)}"
    walk.send("/admin/settings/api", f"{token}/limits", "token.limits_changed", calls="30")
    walk.send("/admin/settings/api", f"{token}/rotate", "token.rotated")
    walk.send("/admin/settings/api", f"/admin/settings/api/{newest(AccessToken)}/revoke", "token.revoked")
    walk.send("/admin/account", "/admin/account/password", "user.password_changed", present=PASSWORD, **WORDS)


def of_goods(walk: Walk) -> None:
    """Receipts, rolls, associations and master data."""
    receipt = sample_data.receive_goods(100, 110)
    for name in ("suppliers", "fabrics", "products", "orders"):
        new = {"name": "New", "code": f"C-{name}", "externalId": f"X-{name}"}
        walk.send(f"/admin/masters/{name}/new", f"/admin/masters/{name}/new", f"{name[:-1]}.created", **new)
    supplier = f"/admin/masters/suppliers/{newest(Supplier)}"
    walk.send(supplier, supplier, "supplier.changed", name="Other")
    walk.send(supplier, f"{supplier}/delete", "supplier.deleted")
    here, (item,) = f"/admin/receipts/{receipt.id}", receipt.fabric_items
    of_item, (first, second) = f"{here}/items/{item.id}", (roll.id for roll in item.rolls)
    walk.send(f"{of_item}/rolls/{first}", f"{of_item}/rolls/{first}", "roll.inspected", length="99")
    walk.send(f"{of_item}/inspection", f"{of_item}/inspection/{second}", "roll.inspected", length="109")
    order = quote(str(db.session.scalar(select(ProductionOrder.name).join(FlowInfo).limit(1))))
    walk.send(
        f"{of_item}/associations?order={order}", f"{of_item}/associations", "associations.replaced", qty=["5", ""]
    )
    walk.upload(
        f"{of_item}/packing-list", "receipt.packing_list_replaced", "Supplier Roll No;Supplier Length\nA1;100\n"
    )
    walk.send(f"{here}/edit", f"{here}/edit", "receipt.changed", invoiceNo="OTHER")
    walk.send(here, f"{here}/delete", "receipt.deleted")
    goods = {"fabric": "Cotton twill", "color": "Blue", "orderQty": "5", "invoiceQty": "5", "grn": "G-1"}
    new = {"supplier": "Bursa Mill", "invoiceNo": "NEW", "orderingWidth": "145", **goods}
    walk.send("/admin/receipts/new", "/admin/receipts/new", "receipt.created", **new)
    headings = (
        "Supplier;Invoice No;Fabric;Color;GRN;Order Qty;Invoice Qty;Ordering Width;Supplier Roll No;Supplier Length"
    )
    row = "Bursa Mill;UP-1;Cotton twill;Blue;G1;100;100;145;R1"
    walk.upload("/admin/receipts/upload", "receipt.created", f"{headings}\n{row}\n")


def of_sales(walk: Walk) -> None:
    """The review desk, the floor and the customers."""
    invoice = sample_data.return_invoice()
    review = f"/admin/sales/review/{invoice.id}"
    walk.send(review, review, "sales_invoice.billing.correct", resolution_notes="done")
    sample_data.import_invoice(invoice_no="S-1")
    sale = f"/admin/sales/{newest(SalesInvoice)}"
    walk.send(sale, f"{sale}/steps/picking.start", "sales_invoice.picking.start")
    customer = f"/admin/sales/customers/{newest(Customer)}"
    walk.send(customer, customer, "customer.edited", name="Other")
    walk.send(sale, "/admin/einvoices/from-sales", "einvoice.created")


def of_einvoices(walk: Walk, user: User) -> None:
    """The e-invoice desk, links, the seller and accounts at providers."""

    def issued() -> str:
        return f"/admin/einvoices/{sample_data.issue_einvoice(user, provider='http').id}"

    line = {"name": "Shirt", "sku": "S", "quantity": "2", "unit_price": "50", "vat_rate": "20"}
    walk.send("/admin/einvoices/new", "/admin/einvoices/new", "einvoice.created", **{"buyer-name": "Ayşe"}, **line)
    draft = f"/admin/einvoices/{sample_data.create_draft(user).id}"
    walk.send(f"{draft}/edit", f"{draft}/edit", "einvoice.changed", notes="x")
    walk.send(draft, f"{draft}/issue", "einvoice.issued")
    one = issued()
    walk.send(one, f"{one}/send", "einvoice.queued")
    put_in_doubt(int(one.rpartition("/")[2]))
    walk.send(one, f"{one}/settle-doubt", "einvoice.doubt_settled", taken="true", reason="x")
    for kind in ("return", "credit_note"):
        one = issued()
        walk.send(one, f"{one}/give-back/{kind}", f"einvoice.{kind}_drafted", reason="x", everything="on")
    one = issued()
    walk.send(one, f"{one}/links", "einvoice.link_created")
    walk.send(one, f"{one}/links/{newest(EinvoiceLink)}/revoke", "einvoice.link_revoked")
    walk.send(one, f"{one}/cancel", "einvoice.cancelled", reason="x")
    one = issued()
    reject(int(one.rpartition("/")[2]))
    walk.send(one, f"{one}/correct", "einvoice.corrected", reason="x")
    chosen = sample_data.create_draft(user).id
    walk.send("/admin/einvoices", "/admin/einvoices/steps/issue", "einvoice.issued", ids=str(chosen))
    walk.send("/admin/einvoices", "/admin/einvoices/steps/send", "einvoice.queued", ids=issued().rpartition("/")[2])
    seller = "/admin/settings/seller"
    walk.send(seller, seller, "seller.changed", website="https://seller.example")
    logo = BytesIO((ROOT / "docs/images/tokens.png").read_bytes())
    walk.send(seller, f"{seller}/logo", "seller.changed", logo=(logo, "logo.png"))
    walk.send(seller, f"{seller}/logo/remove", "seller.changed")
    accounts = "/admin/settings/provider-accounts"
    walk.send(f"{accounts}/new", f"{accounts}/new", "provider_account.created", name="A")
    account = f"{accounts}/{newest(ProviderAccount)}"
    walk.send(account, f"{account}/test", "provider_account.tested")
    sent = {"adapter": "http", "url": "https://93.184.215.14/e", "token": "s3cret"}
    walk.send(f"{account}/change", f"{account}/change", "provider_account.changed", **sent)
    walk.send(account, f"{account}/clear-token", "provider_account.changed")
    walk.send(account, f"{account}/rotate", "provider_account.secret_rotated")
    walk.send(account, f"{account}/archive", "provider_account.deleted")


def of_webhooks(walk: Walk, user: User) -> None:
    """Endpoints of webhooks, and their deliveries."""
    endpoints = "/admin/settings/webhooks"
    new = {"url": "https://93.184.215.14/hook", "events": ["einvoice.issued"]}
    walk.send(f"{endpoints}/new", f"{endpoints}/new", "webhook_endpoint.created", **new)
    endpoint = f"{endpoints}/{newest(Endpoint)}"
    walk.send(f"{endpoint}/change", f"{endpoint}/change", "webhook_endpoint.changed", description="ERP")
    walk.send(endpoint, f"{endpoint}/rotate", "webhook_endpoint.secret_rotated")
    sample_data.issue_einvoice(user)
    relay()
    fail_deliveries()
    walk.send(endpoint, f"{endpoint}/recover", "webhook_endpoint.recovered")
    fail_deliveries()
    delivery = f"{endpoints}/deliveries/{newest(Delivery)}"
    walk.send(delivery, f"{delivery}/redeliver", "webhook_delivery.redelivered")
    walk.send(endpoint, f"{endpoint}/disable", "webhook_endpoint.disabled", reason="x")
    walk.send(endpoint, f"{endpoint}/enable", "webhook_endpoint.enabled")
    of_any_user = f"/admin/operations/endpoints/{newest(Endpoint)}"
    walk.post("/admin/operations", f"{of_any_user}/pause", "webhook_endpoint.disabled", reason="x")
    walk.send("/admin/operations", f"{of_any_user}/resume", "webhook_endpoint.enabled")
    walk.send(endpoint, f"{endpoint}/delete", "webhook_endpoint.deleted")


def fail_deliveries() -> None:
    with unit_of_work():
        db.session.execute(update(Delivery).values(state="failed", attempts=6, claim_id=None, finished_at=clock.now()))


def of_operations(walk: Walk) -> None:
    """Queues, and what failed."""
    queue = "/admin/operations/queues/default"
    walk.send("/admin/operations", f"{queue}/drain", "queue.drained")
    walk.send("/admin/operations", f"{queue}/resume", "queue.resumed")
    walk.post("/admin/operations", "/admin/operations/pdfs", "pdfs.retried")
    walk.post("/admin/operations", "/admin/operations/sendings", "sendings.retried")
    with unit_of_work():
        failed = {"task_id": "1", "task": "operations.canary", "arguments": ["default"], "error": "Error: x"}
        failed_tasks.record(worker=None, request_id=None, **failed)
    failure = f"/admin/operations/failures/{newest(FailedTask)}/retry"
    walk.send("/admin/operations", failure, "task.retried")


@pytest.mark.slow
def test_every_form_writes_its_row_or_has_a_reason(app: Hub, walk: Walk, user: User) -> None:
    of_goods(walk)
    of_sales(walk)
    of_einvoices(walk, user)
    of_webhooks(walk, user)
    of_operations(walk)
    of_people(walk, user)
    forms = {
        rule.endpoint.removeprefix("admin.")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("admin.") and "POST" in (rule.methods or ())
    }
    assert forms - walk.walked == set(OTHERS)
    db.session.rollback()
    texts = " ".join(str(details) for details in db.session.scalars(select(AuditEntry.details)))
    secrets = (PASSWORD, *WORDS.values(), "whsec_", "ihub_", "s3cret")
    assert [secret for secret in secrets if secret in texts] == []
