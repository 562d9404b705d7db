"""Preview of a draft on the e-invoice desk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.einvoices.pdf import previews
from app.einvoices.queries import lookup
from app.kernel import clock
from app.kernel.http.app import Hub
from tests.admin import sample_data
from tests.admin.actions import confirm
from tests.admin.client import submit_form
from tests.admin.conftest import Opener, check_page, sign_in, take_screenshot
from tests.admin.views.desks.test_einvoice_desk import LINE, TYPED, newest


@pytest.fixture(autouse=True)
def _own_storage(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    """Integrator with the e-invoice module and a complete seller."""
    user = sample_data.enable_module(create_user("integrator", name="Mağaza"))
    sample_data.make_seller(user)
    return user


def test_draft_is_previewed_and_then_issued(open_page: Opener, owner: User) -> None:
    page = sign_in(open_page(), owner)
    page.goto("/admin/einvoices/new")
    page.get_by_label("Name", exact=True).fill("Ayşe Yılmaz")
    for label, value in (("Name of the item", "Tişört"), ("Quantity", "2"), ("Price", "50"), ("VAT %", "20")):
        page.get_by_label(label, exact=True).fill(value)
    page.get_by_role("button", name="Save and preview").click()
    expect(page.locator("#preview")).to_contain_text("The preview is being created.")
    previews.print_due()
    expect(page.locator("#preview iframe")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    take_screenshot(page, "einvoice-preview")
    page.get_by_role("button", name="Issue…").click()
    confirm(page, "Issue")
    expect(page.locator("h1")).to_contain_text("EA-")
    expect(page.get_by_role("link", name="Preview")).to_have_count(0)


class TestRequests:
    @pytest.fixture
    def client(self, signed_in_client: Callable[..., FlaskClient], owner: User) -> FlaskClient:
        return signed_in_client(owner)

    def create(self, client: FlaskClient, **more: str) -> tuple[int, str]:
        """Id of a new draft, and where the page goes after that."""
        answer = submit_form(client, "/admin/einvoices/new", page="/admin/einvoices/new", **{**TYPED, **LINE, **more})
        return newest().id, answer.headers["Location"]

    def test_button_leads_to_the_preview(self, client: FlaskClient) -> None:
        draft_id, location = self.create(client)
        assert location == f"/admin/einvoices/{draft_id}"
        draft_id, location = self.create(client, then="preview")
        assert location == f"/admin/einvoices/{draft_id}/preview"

    def test_pdf_is_404_until_it_is_made(self, client: FlaskClient) -> None:
        draft_id, _ = self.create(client)
        assert client.get(f"/admin/einvoices/{draft_id}/preview.pdf").status_code == 404
        previews.print_due()
        answer = client.get(f"/admin/einvoices/{draft_id}/preview.pdf", buffered=True)
        assert (answer.status_code, answer.headers["Content-Disposition"]) == (
            200,
            f"inline; filename=draft-{draft_id}.pdf",
        )

    def test_failure_says_why(self, client: FlaskClient) -> None:
        draft_id, _ = self.create(client, notes="a\ue000")
        client.get(f"/admin/einvoices/{draft_id}/preview")
        previews.print_due()
        page = client.get(f"/admin/einvoices/{draft_id}/preview").text
        assert "U+E000" in page
        assert "every 1s" not in page

    def test_issued_einvoice_has_no_preview(self, client: FlaskClient) -> None:
        draft_id, _ = self.create(client)
        version = clock.iso(lookup.find(draft_id, None).updated_at)
        page = f"/admin/einvoices/{draft_id}"
        assert submit_form(client, f"{page}/issue", page=page, version=version).status_code == 303
        answer = client.get(f"/admin/einvoices/{draft_id}/preview")
        assert (answer.status_code, answer.headers["Location"]) == (303, f"/admin/einvoices/{draft_id}")

    def test_draft_of_another_user_has_none(
        self, client: FlaskClient, signed_in_client: Callable[..., FlaskClient], create_user: Callable[..., User]
    ) -> None:
        draft_id, _ = self.create(client)
        other = signed_in_client(sample_data.enable_module(create_user("integrator")))
        for path in ("preview", "preview.pdf"):
            assert other.get(f"/admin/einvoices/{draft_id}/{path}").status_code == 404


@pytest.mark.drill
def test_page_is_accessible(open_page: Opener, owner: User) -> None:
    draft = sample_data.create_draft(owner)

    def opener(**options: Any) -> Page:
        return sign_in(open_page(**options), owner)

    def visit(page: Page) -> None:
        page.goto(f"/admin/einvoices/{draft.id}/preview")
        previews.print_due()
        expect(page.locator("#preview iframe")).to_have_count(1)

    check_page(opener, "einvoice-preview", visit)
