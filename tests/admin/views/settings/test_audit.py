"""Page of the audit trail: filters, names and access."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts import audit, modules
from app.accounts.models.accounts import User
from app.einvoices.lifecycle import drafts
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_draft

AUDIT = "/admin/audit"


def test_entries_are_found_by_filters(signed_in: Callable[..., Page]) -> None:
    page = signed_in("admin")
    user = db.session.query(User).one()
    with unit_of_work():
        audit.record("token.created", actor=f"user:{user.id}", subject="token:5", name="<b>Shop</b>", days=90)
        audit.record("user.role_changed", actor="flask", subject=f"user:{user.id}", before="billing", role="admin")
    page.get_by_role("link", name="Audit trail").click()
    rows = page.get_by_role("table").get_by_role("row")
    created, changed = rows.filter(has_text="token.created"), rows.filter(has_text="user.role_changed")
    expect(created).to_contain_text("<b>Shop</b>")
    expect(created).to_contain_text(user.email)
    expect(changed).to_contain_text("billing")
    page.locator(".filters").get_by_label("Action").fill("user.*")
    page.locator(".filters").get_by_label("Action").press("Enter")
    expect(created).to_have_count(0)
    expect(changed).to_be_visible()
    assert "action=user.*" in page.url
    page.locator(".filters").get_by_label("Object").fill("token:5")
    page.locator(".filters").get_by_label("Object").press("Enter")
    expect(page.get_by_text("No entries found")).to_be_visible()


def test_others_see_only_what_concerns_them(signed_in_client: Callable[..., FlaskClient]) -> None:
    with unit_of_work():
        audit.record("user.created", actor="flask", subject="user:70000")
    pages = [signed_in_client(role).get(AUDIT) for role in ("admin", "integrator", "warehouse")]
    assert ["user:70000" in page.text for page in pages] == [True, False, False]
    assert [page.status_code for page in pages] == [200, 200, 403]


def test_an_invalid_filter_is_reported(admin_client: FlaskClient) -> None:
    answer = admin_client.get(f"{AUDIT}?since=yesterday")
    assert answer.status_code == 200
    assert "since:" in answer.text


def test_the_entries_that_were_found_are_downloaded_as_csv(admin_client: FlaskClient) -> None:
    with unit_of_work():
        audit.record("token.created", actor="flask", subject="token:5")
        audit.record("user.created", actor="flask", subject="user:5")
    page = admin_client.get(f"{AUDIT}?action=token.*&since=")
    assert f"{AUDIT}/export?action=token.*&amp;since=" in page.text
    content = admin_client.get(f"{AUDIT}/export?action=token.*&since=").text
    assert ("token:5" in content, "user:5" in content) == (True, False)


def test_the_page_of_an_object_leads_to_its_trail(admin_client: FlaskClient) -> None:
    with unit_of_work():
        user = db.session.query(User).one()
        modules.enable(user, "feature.einvoice_api", actor="test")
        einvoice = drafts.create(a_draft(), user.id, "test")
        audit.record("einvoice.changed", actor="flask", subject=f"einvoice:{einvoice.id}")
    address = f"{AUDIT}?subject=einvoice:{einvoice.id}"
    assert f'href="{address}"' in admin_client.get(f"/admin/einvoices/{einvoice.id}").text
    assert "einvoice.changed" in admin_client.get(address).text
