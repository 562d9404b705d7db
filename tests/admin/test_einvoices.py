"""E-invoices on pages: found, issued with a PDF to look at, sent, cancelled, given back; own ones only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.einvoices.lifecycle import credit_notes, issue
from app.einvoices.pdf import print_job
from app.einvoices.providers import status_reports
from app.einvoices.queries import lookup
from app.einvoices.status import Type
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin import scenes
from tests.admin.conftest import Opener, looked_at, sign_in
from tests.admin.test_signing import enter, post


@pytest.fixture(autouse=True)
def _own_storage(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ids begin anew with each test, and so do the files."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)


@pytest.fixture
def owner(person: Callable[..., User]) -> User:
    """An integrator who may work with e-invoices."""
    return scenes.with_module(person("integrator", name="Mağaza"))


@pytest.fixture
def desk(open_page: Opener, owner: User) -> Page:
    """A browser that ``owner`` is signed in with."""
    return sign_in(open_page(), owner)


@pytest.mark.main_job
def test_a_draft_is_issued_and_its_pdf_appears_by_itself(desk: Page, owner: User) -> None:
    scenes.drafted(owner)
    desk.get_by_role("link", name="E-invoices").first.click()
    desk.locator("tbody tr a").click()
    expect(desk.get_by_text("A draft has no PDF yet")).to_be_visible()
    desk.get_by_role("button", name="Issue").click()
    dialog = desk.get_by_role("dialog", name="Issue this e-invoice?")
    dialog.get_by_role("button", name="Issue").click()
    expect(desk.get_by_role("heading", level=1)).to_have_text(re.compile(r"EA-\d{4}-000001"))
    expect(desk.get_by_text("The PDF is being made.")).to_be_visible()
    print_job.print_due()
    expect(desk.locator("iframe.preview")).to_be_visible()
    expect(desk.get_by_text("The PDF is being made.")).to_have_count(0)
    with desk.expect_download() as download:
        desk.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"EA-\d{4}-000001\.pdf", download.value.suggested_filename)
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    expect(desk.locator("#history li strong")).to_have_text(["E-invoice issued", "E-invoice drafted"])


def test_an_issued_one_is_sent(desk: Page, owner: User) -> None:
    einvoice = scenes.issued(owner)
    desk.goto(f"/admin/einvoices/{einvoice.id}")
    desk.get_by_role("button", name="Send to the provider").click()
    expect(desk.get_by_role("status").first).to_contain_text("on its way")
    expect(desk.locator("#history")).to_contain_text("Queued for the provider")
    desk.get_by_role("button", name="Send to the provider").click()
    expect(desk.get_by_role("alert")).to_contain_text("already on its way")


def test_cancelling_asks_why(desk: Page, owner: User) -> None:
    einvoice = scenes.issued(owner)
    desk.goto(f"/admin/einvoices/{einvoice.id}")
    desk.get_by_role("button", name="Cancel it").click()
    desk.get_by_role("dialog").get_by_label("Reason").fill("Ordered twice")
    desk.get_by_role("dialog").get_by_role("button", name="Cancel it").click()
    expect(desk.get_by_role("alert")).to_contain_text("Cancelled: Ordered twice")
    expect(desk.get_by_role("button", name="Cancel it")).to_have_count(0)


def test_a_part_is_given_back_by_a_credit_note(desk: Page, owner: User) -> None:
    einvoice = scenes.issued(owner)
    desk.goto(f"/admin/einvoices/{einvoice.id}")
    desk.get_by_role("button", name="Credit note").click()
    dialog = desk.get_by_role("dialog", name="Credit note")
    dialog.get_by_label("Reason").fill("Torn")
    dialog.get_by_label("Tişört").fill("1")
    dialog.get_by_role("button", name="Credit note").click()
    expect(desk.locator("#facts")).to_contain_text("Credit note")
    expect(desk.locator("#facts")).to_contain_text("Torn")
    expect(desk.locator(".totals")).to_contain_text("60.00")
    desk.get_by_role("link", name=einvoice.invoice_no or "", exact=True).click()
    expect(desk.locator("#items")).to_contain_text("1 given back")
    desk.get_by_role("button", name="Return").click()
    dialog = desk.get_by_role("dialog", name="Return")
    dialog.get_by_label("Reason").fill("Too small")
    dialog.get_by_label("Tişört").fill("2")
    dialog.get_by_role("button", name="Return").click()
    expect(desk.get_by_role("alert")).to_contain_text("Only 1.0 of 2.0 can still be given back.")


def test_a_sales_invoice_becomes_a_draft_once(open_page: Opener, person: Callable[..., User]) -> None:
    number = scenes.imported()
    page = sign_in(open_page(), scenes.with_module(person("billing")))
    for said in ("A draft was made.", "It had been made before; this is it."):
        page.goto("/admin/sales")
        page.get_by_role("link", name=number).click()
        page.get_by_role("button", name="Make an e-invoice").click()
        expect(page.get_by_role("status").first).to_contain_text(said)
        expect(page.locator("#facts")).to_contain_text(number)


def test_somebody_elses_looks_like_a_missing_one(app: Hub, owner: User, person: Callable[..., User]) -> None:
    einvoice = scenes.issued(owner)
    print_job.print_due()
    other, admin, anybody_else = app.test_client(), app.test_client(), app.test_client()
    enter(other, scenes.with_module(person("integrator")))
    enter(admin, scenes.with_module(person("admin")))
    enter(anybody_else, person("integrator"))
    for path in (f"/admin/einvoices/{einvoice.id}", f"/admin/einvoices/{einvoice.id}/pdf"):
        with other.get(path) as answer:
            assert answer.status_code == 404
        with admin.get(path) as answer:
            assert answer.status_code == 200
        with anybody_else.get(path) as answer:
            assert answer.status_code == 403
            assert "module is not enabled" in answer.text
    assert (einvoice.invoice_no or "") not in other.get("/admin/einvoices").text
    assert post(other, f"/admin/einvoices/{einvoice.id}/cancel", reason="x").status_code == 404
    assert lookup.find(einvoice.id, None).status == "issued"


def test_a_form_that_no_page_made_is_told_what_is_wrong(app: Hub, owner: User) -> None:
    einvoice = scenes.issued(owner)
    client = app.test_client()
    enter(client, owner)
    on = f"/admin/einvoices/{einvoice.id}"
    for path, fields, said in (
        ("cancel", {}, "This field is required."),
        ("give-back/return", {"reason": "x", "quantity-1": "many"}, "A valid number is required."),
        ("give-back/return", {"reason": "x", "quantity-99999999999999999999": "1"}, "no such item"),
        ("issue", {}, "cannot be issued"),
    ):
        assert post(client, f"{on}/{path}", on=on, **fields).headers["Location"] == on
        assert said in client.get(on).text, path
    assert post(client, f"{on}/give-back/sale", on=on, reason="x").status_code == 404


def test_a_page_of_the_list_leads_to_the_next(client_pages: FlaskClient, owner: User) -> None:
    for _ in range(3):
        scenes.drafted(owner, marketplace="n11")
    first = client_pages.get("/admin/einvoices?marketplace=n11&per_page=2&_external=1&_scheme=javascript").text
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following
    assert following[1].startswith("/admin/einvoices?marketplace=n11")
    second = client_pages.get(following[1].replace("&amp;", "&")).text
    assert second.count("<tr>") == 2  # the head and one row


def test_the_history_is_told_in_peoples_words(client_pages: FlaskClient, owner: User) -> None:
    einvoice = scenes.issued(owner)
    word = {"provider_status": "<b>taken</b>", "occurred_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}
    with unit_of_work():
        status_reports.report(einvoice.id, word, owner.id)
        issue.send(einvoice.id, owner.id)
        credit_notes.draft_credit(einvoice.id, Type.RETURN, {"reason": "broken"}, owner.id)
    page = client_pages.get(f"/admin/einvoices/{einvoice.id}").text
    assert "Word of the provider: &lt;b&gt;taken&lt;/b&gt; · At: <time " in page
    assert "Jan 2, 2026" in page
    assert "Applied: yes" in page
    assert "Provider: None, it stays here" in page
    assert re.search(r"Total: [\d,]+\.\d\d<", page)


@pytest.fixture
def client_pages(app: Hub, owner: User) -> FlaskClient:
    client = app.test_client()
    enter(client, owner)
    return client


@pytest.mark.drill
def test_the_pages_can_be_read_and_used_by_everybody(open_page: Opener, owner: User) -> None:
    for _ in range(2):
        einvoice = scenes.issued(owner)
    scenes.drafted(owner)
    print_job.print_due()

    def opener(**how: bool) -> Page:
        return sign_in(open_page(**how), owner)

    looked_at(opener, "einvoices-list", lambda page: page.goto("/admin/einvoices"))
    looked_at(opener, "einvoices-show", lambda page: page.goto(f"/admin/einvoices/{einvoice.id}"))
