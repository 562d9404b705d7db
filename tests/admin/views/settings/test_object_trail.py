"""The audit trail of an object on its page: who did what with it, for those who may read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts import audit
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.conftest import check_page
from tests.factories import a_token
from tests.webhooks.fixtures import Subscribed

TITLE = "Audit trail of this object"
MARK = "<b>seen by Ayşe</b>"


def record(subject: str) -> None:
    """An entry about an object, with a text that stands nowhere else on its page."""
    with unit_of_work():
        audit.record("test.marked", actor="user:1", subject=subject, reason=MARK, changed={"a": [1, 2]})


@pytest.fixture
def pages(admin_client: FlaskClient, subscribe: Callable[..., Subscribed]) -> dict[str, str]:
    """Object -> its page."""
    user, endpoint = db.session.query(User).order_by(User.id).first(), subscribe("http://127.0.0.1:9/")
    for module in ("feature.einvoice_api", "feature.einvoice_webhooks"):
        sample_data.enable_module(user, module)
    sale = sample_data.return_invoice()
    receipt = sample_data.receive_goods(100.2)
    item = receipt.fabric_items[0]
    einvoice = sample_data.issue_einvoice(user)
    account = sample_data.open_account(user, "Main")
    receipt_page = f"/admin/receipts/{receipt.id}"
    return {
        f"sales_invoice:{sale.id}": f"/admin/sales/{sale.id}",
        f"receipt:{receipt.id}": receipt_page,
        f"roll:{item.rolls[0].id}": f"{receipt_page}/items/{item.id}/rolls/{item.rolls[0].id}",
        f"einvoice:{einvoice.id}": f"/admin/einvoices/{einvoice.id}",
        f"webhook_endpoint:{endpoint.id}": f"/admin/settings/webhooks/{endpoint.id}",
        f"provider_account:{account.id}": f"/admin/settings/provider-accounts/{account.id}",
        f"user:{user.id}": "/admin/account",
    }


def test_the_page_of_each_object_shows_its_trail(admin_client: FlaskClient, pages: dict[str, str]) -> None:
    for subject, path in pages.items():
        record(subject)
        shown = admin_client.get(path)
        assert (shown.status_code, TITLE in shown.text) == (200, True), path
        assert "reason: &lt;b&gt;seen by Ayşe&lt;/b&gt; · changed: {&#34;a&#34;:[1,2]}" in shown.text, path
        assert f"/admin/audit?subject={subject}" in shown.text, path


def test_what_was_done_on_the_floor_is_in_the_trail_of_the_invoice(
    admin_client: FlaskClient, pages: dict[str, str]
) -> None:
    shown = admin_client.get(next(iter(pages.values()))).text
    assert "sales_invoice.billing.return" in shown
    assert "before: PICKING · after: REVIEW" in shown


def test_lists_lead_to_the_trail_of_users_and_tokens(admin_client: FlaskClient) -> None:
    with unit_of_work():
        token, _ = a_token()
    users = admin_client.get("/admin/users").text
    assert f'href="/admin/audit?subject=user:{token.user_id}"' in users
    listed = admin_client.get("/admin/settings/api").text
    assert f'href="/admin/audit?subject=token:{token.id}"' in listed


def test_others_see_their_own_entries_only_and_a_packer_none(
    signed_in_client: Callable[..., FlaskClient], pages: dict[str, str]
) -> None:
    subject, path = next(iter(pages.items()))
    record(subject)
    billing = signed_in_client("billing").get(path).text
    assert (TITLE in billing, "seen by" in billing) == (True, False)
    assert "The audit trail has no entry about it that you may read." in billing
    assert TITLE not in signed_in_client("warehouse").get(path).text


def test_the_trail_is_folded_and_fits_on_a_phone(signed_in: Callable[..., Page]) -> None:
    sale = sample_data.return_invoice()
    record(f"sales_invoice:{sale.id}")

    def open_trail(page: Page) -> None:
        page.goto(f"/admin/sales/{sale.id}")
        expect(page.get_by_text("test.marked")).to_be_hidden()
        page.get_by_text(TITLE).click()
        expect(page.get_by_text("test.marked")).to_be_visible()

    check_page(signed_in, "sales-trail", open_trail)
