"""Pages of e-invoices: list, PDF, actions of the life cycle, access of owners."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.accounts.models.accounts import User
from app.einvoices import sellers
from app.einvoices.lifecycle import credit_notes, issue
from app.einvoices.links import service as links
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.pdf import print_job
from app.einvoices.providers import status_reports
from app.einvoices.queries import lookup
from app.einvoices.status import Status, Type
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.actions import confirm
from tests.admin.client import submit_form
from tests.admin.conftest import Opener, check_page, sign_in


@pytest.fixture(autouse=True)
def _own_storage(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Use a new storage folder per test, because IDs restart with each test."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    """Integrator with the e-invoice module."""
    return sample_data.enable_module(create_user("integrator", name="Mağaza"))


@pytest.fixture
def owner_page(open_page: Opener, owner: User) -> Page:
    """Page that is signed in as ``owner``."""
    return sign_in(open_page(), owner)


@pytest.mark.slow
def test_draft_is_issued_and_its_pdf_appears_without_a_reload(owner_page: Page, owner: User) -> None:
    sample_data.make_seller(owner)
    sample_data.create_draft(owner)
    owner_page.get_by_role("link", name="E-invoices").first.click()
    owner_page.locator("tbody tr a").click()
    expect(owner_page.get_by_text("A draft has no PDF.")).to_be_visible()
    owner_page.get_by_role("button", name="Issue").click()
    dialog = owner_page.get_by_role("dialog", name="Issue this e-invoice?")
    dialog.get_by_role("button", name="Issue").click()
    expect(owner_page.get_by_role("heading", level=1)).to_have_text(re.compile(r"EA-\d{4}-000001"))
    expect(owner_page.get_by_text("The PDF is being created.")).to_be_visible()
    print_job.print_due()
    expect(owner_page.locator("iframe.preview")).to_be_visible()
    expect(owner_page.get_by_text("The PDF is being created.")).to_have_count(0)
    with owner_page.expect_download() as download:
        owner_page.get_by_role("link", name="Download").click()
    assert re.fullmatch(r"EA-\d{4}-000001\.pdf", download.value.suggested_filename)
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")
    expect(owner_page.locator("#history > ol strong")).to_have_text(["E-invoice issued", "E-invoice drafted"])


def test_a_draft_says_beside_each_field_what_is_missing(owner_page: Page, owner: User) -> None:
    sample_data.create_draft(owner, buyer={"name": "A Ltd.", "tax_office": "Kadıköy"})
    owner_page.goto("/admin/einvoices")
    owner_page.locator("tbody tr a").click()
    card = owner_page.locator("#readiness")
    expect(card).to_contain_text("The tax number of the seller is missing.")
    expect(owner_page.get_by_role("button", name="Issue")).to_have_count(0)
    expect(card.get_by_label("Tax ID")).to_have_accessible_description(
        "The buyer is a company, and its tax number is missing."
    )
    card.get_by_label("Address").fill("Bahariye Cad. 12")
    card.get_by_label("a consumer").check()
    card.get_by_role("button", name="Save").click()
    expect(card.get_by_label("Address")).to_have_count(0)
    card.get_by_role("link", name="Complete the seller").click()
    owner_page.get_by_role("textbox", name="Tax number").fill("1234567890")
    owner_page.get_by_label("Address", exact=True).fill("Bursa")
    owner_page.get_by_role("button", name="Save").click()
    owner_page.goto("/admin/einvoices")
    owner_page.locator("tbody tr a").click()
    expect(card).to_have_count(0)
    expect(owner_page.get_by_role("button", name="Issue")).to_be_visible()


def test_a_public_link_is_created_shown_once_and_revoked(owner_page: Page, owner: User, anybody: FlaskClient) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    print_job.print_due()
    owner_page.goto(f"/admin/einvoices/{einvoice.id}")
    owner_page.get_by_role("button", name="Create a public link").click()
    owner_page.get_by_role("dialog").get_by_label("Expires after").select_option("30 days")
    confirm(owner_page, "Create a public link")
    url = owner_page.get_by_label("Public link").input_value()
    path = url[url.index("/pdf/") :]
    assert anybody.get(path, buffered=True).data.startswith(b"%PDF-")
    owner_page.get_by_role("link", name="I have copied it").click()
    card = owner_page.locator("#links")
    expect(card).to_contain_text("Valid")
    assert url not in owner_page.content()
    card.get_by_role("button", name="Revoke").click()
    confirm(owner_page, "Revoke")
    expect(card).to_contain_text("Revoked")
    expect(owner_page.locator("#history")).to_contain_text("Public link revoked")
    assert anybody.get(path).status_code == 404


@pytest.mark.parametrize("days", ["x", "0", "9" * 5000, "-1"])
def test_a_wrong_expiry_of_a_link_is_refused(owner_client: FlaskClient, owner: User, days: str) -> None:
    page = f"/admin/einvoices/{sample_data.issue_einvoice(owner).id}"
    assert submit_form(owner_client, f"{page}/links", page=page, days=days).headers["Location"] == page
    assert "Link 1" not in owner_client.get(page).text


def test_issued_einvoice_is_sent(owner_page: Page, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    owner_page.goto(f"/admin/einvoices/{einvoice.id}")
    owner_page.get_by_role("button", name="Send to the provider").click()
    expect(owner_page.get_by_role("status").first).to_contain_text("queued for the provider")
    expect(owner_page.locator("#history")).to_contain_text("Queued for the provider")
    expect(owner_page.get_by_role("button", name="Send to the provider")).to_have_count(0)


def test_an_account_is_chosen_for_a_draft_from_sales_and_for_its_sending(
    open_page: Opener, create_user: Callable[..., User]
) -> None:
    number, user = sample_data.import_invoice(), sample_data.enable_module(create_user("admin"))
    sample_data.make_seller(user)
    for name in ("First", "Second"):
        sample_data.open_account(user, name)
    page = sign_in(open_page(), user)
    page.goto("/admin/sales")
    page.get_by_role("link", name=number).click()
    page.get_by_role("button", name="Create e-invoice").click()
    page.get_by_role("dialog").get_by_label("include VAT").check()
    page.get_by_role("dialog").get_by_label("Provider account").select_option("First")
    confirm(page, "Create e-invoice")
    expect(page.locator("#facts")).to_contain_text("First")
    page.get_by_role("button", name="Issue").click()
    confirm(page, "Issue")
    page.get_by_role("button", name="Send through another account").click()
    expect(page.get_by_role("dialog").get_by_role("option")).to_have_text(["Second"])
    confirm(page, "Send through another account")
    expect(page.locator("#facts")).to_contain_text("Second")
    expect(page.locator("#history")).to_contain_text("Queued for the provider")


def test_a_rejected_einvoice_is_corrected(owner_page: Page, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    with unit_of_work():
        lookup.find_for_update(einvoice.id, None).status = Status.REJECTED.value
    owner_page.goto(f"/admin/einvoices/{einvoice.id}")
    owner_page.get_by_role("button", name="Correct").click()
    owner_page.get_by_role("dialog").get_by_label("Reason").fill("Wrong tax number")
    owner_page.get_by_role("dialog").get_by_role("button", name="Correct").click()
    expect(owner_page.get_by_role("heading", level=1)).to_contain_text("Draft")
    owner_page.locator("#related").get_by_role("link", name=einvoice.invoice_no or "").click()
    expect(owner_page.locator("#history")).to_contain_text("Wrong tax number")
    expect(owner_page.get_by_role("button", name="Correct")).to_have_count(0)


def put_in_doubt(owner: User) -> Einvoice:
    einvoice = sample_data.issue_einvoice(owner)
    with unit_of_work():
        stored = issue.send(einvoice.id, owner.id, "test")
        stored.provider_status = "in_doubt"
        db.session.query(EinvoiceSending).update({"state": "failed", "in_doubt": True, "attempts": 5})
    return einvoice


def test_a_doubt_is_shown_and_settled(owner_page: Page, owner: User) -> None:
    einvoice = put_in_doubt(owner)
    owner_page.goto("/admin/einvoices")
    expect(owner_page.locator("tbody")).to_contain_text("In doubt")
    owner_page.goto(f"/admin/einvoices/{einvoice.id}")
    expect(owner_page.locator(".notice")).to_contain_text(
        f"Search at the provider for the number {einvoice.invoice_no}"
    )
    expect(owner_page.get_by_role("button", name="Cancel e-invoice")).to_have_count(0)
    expect(owner_page.get_by_role("button", name="Send to the provider")).to_be_visible()
    owner_page.get_by_role("button", name="Settle the doubt").click()
    dialog = owner_page.get_by_role("dialog", name="Does the provider have this e-invoice?")
    dialog.get_by_label("The provider does not have it").check()
    dialog.get_by_label("Reason").fill("Not in its portal")
    dialog.get_by_role("button", name="Settle the doubt").click()
    expect(owner_page.locator("#history")).to_contain_text("Not in its portal")
    expect(owner_page.locator("#history")).to_contain_text("Taken by the provider: no")
    expect(owner_page.get_by_role("button", name="Settle the doubt")).to_have_count(0)
    expect(owner_page.get_by_role("button", name="Cancel e-invoice")).to_be_visible()


def test_a_decision_without_a_choice_is_refused(owner_client: FlaskClient, owner: User) -> None:
    page = f"/admin/einvoices/{put_in_doubt(owner).id}"
    for fields in ({"reason": "x"}, {"reason": "x", "taken": "maybe"}, {"reason": " ", "taken": "true"}):
        answer = submit_form(owner_client, f"{page}/settle-doubt", page=page, **fields)
        assert answer.headers["Location"] == page
    assert "Settle the doubt" in owner_client.get(page).text


def test_cancellation_requires_a_reason(owner_page: Page, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    owner_page.goto(f"/admin/einvoices/{einvoice.id}")
    owner_page.get_by_role("button", name="Cancel e-invoice").click()
    owner_page.get_by_role("dialog").get_by_label("Reason").fill("Ordered twice")
    owner_page.get_by_role("dialog").get_by_role("button", name="Cancel e-invoice").click()
    expect(owner_page.get_by_role("alert")).to_contain_text("Cancelled: Ordered twice")
    expect(owner_page.get_by_role("button", name="Cancel e-invoice")).to_have_count(0)


def test_credit_note_credits_a_part(owner_page: Page, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    owner_page.goto(f"/admin/einvoices/{einvoice.id}")
    owner_page.get_by_role("button", name="Credit note").click()
    dialog = owner_page.get_by_role("dialog", name="Credit note")
    dialog.get_by_label("Reason").fill("Torn")
    dialog.get_by_label("Tişört").fill("1")
    dialog.get_by_role("button", name="Credit note").click()
    expect(owner_page.locator("#facts")).to_contain_text("Credit note")
    expect(owner_page.locator("#facts")).to_contain_text("Torn")
    expect(owner_page.locator(".totals")).to_contain_text("60.00")
    owner_page.get_by_role("link", name=einvoice.invoice_no or "", exact=True).click()
    expect(owner_page.locator("#items")).to_contain_text("1 credited")
    owner_page.get_by_role("button", name="Return").click()
    dialog = owner_page.get_by_role("dialog", name="Return")
    dialog.get_by_label("Reason").fill("Too small")
    dialog.get_by_label("Tişört").fill("2")
    dialog.get_by_role("button", name="Return").click()
    expect(owner_page.get_by_role("alert")).to_contain_text("Only 1 of 2 can still be given back.")


@pytest.mark.parametrize(
    ("fields", "credited"), [({}, 0), ({"everything": "yes", "quantity-1": "1"}, 0), ({"everything": "yes"}, 120)]
)
def test_nothing_is_credited_that_was_not_chosen(
    owner_client: FlaskClient, owner: User, fields: dict[str, str], credited: int
) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    page = f"/admin/einvoices/{einvoice.id}"
    shown = owner_client.get(page).text
    assert "TSH-1" in shown[shown.index('class="quantities"') :]
    submit_form(owner_client, f"{page}/give-back/return", page=page, reason="Torn", **fields)
    assert lookup.find(einvoice.id, None).credited_total == credited
    assert ("Enter the quantities, or choose everything" in owner_client.get(page).text) == (not credited)


def test_sales_invoice_becomes_a_draft_once(open_page: Opener, create_user: Callable[..., User]) -> None:
    number = sample_data.import_invoice()
    page = sign_in(open_page(), sample_data.enable_module(create_user("billing")))
    page.goto("/admin/sales")
    page.get_by_role("link", name=number).click()
    sale = page.url
    page.get_by_role("button", name="Create e-invoice").click()
    page.get_by_role("dialog").get_by_label("include VAT").check()
    confirm(page, "Create e-invoice")
    expect(page.get_by_role("status").first).to_contain_text("Draft created.")
    expect(page.locator(".totals")).to_contain_text("920.00")
    draft = page.url
    page.goto(sale)
    expect(page.get_by_role("button", name="Create e-invoice")).to_have_count(0)
    page.get_by_role("link", name="E-invoice: Draft").click()
    expect(page).to_have_url(draft)


def test_einvoice_of_another_user_is_not_found(
    owner: User, create_user: Callable[..., User], signed_in_client: Callable[..., FlaskClient]
) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    print_job.print_due()
    other = signed_in_client(sample_data.enable_module(create_user("integrator")))
    admin = signed_in_client(sample_data.enable_module(create_user("admin")))
    without_module = signed_in_client("integrator")
    for path in (f"/admin/einvoices/{einvoice.id}", f"/admin/einvoices/{einvoice.id}/pdf"):
        with other.get(path) as answer:
            assert answer.status_code == 404
        with admin.get(path) as answer:
            assert answer.status_code == 200
        with without_module.get(path) as answer:
            assert answer.status_code == 403
            assert "module is not enabled" in answer.text
    assert (einvoice.invoice_no or "") not in other.get("/admin/einvoices").text
    assert submit_form(other, f"/admin/einvoices/{einvoice.id}/cancel", reason="x").status_code == 404
    assert lookup.find(einvoice.id, None).status == "issued"


def test_invalid_form_data_is_refused(owner_client: FlaskClient, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    page = f"/admin/einvoices/{einvoice.id}"
    for path, fields, message in (
        ("cancel", {}, "This field may not be blank."),
        ("give-back/return", {"reason": "x", "quantity-1": "many"}, "A valid number is required."),
        ("give-back/return", {"reason": "x", "quantity-99999999999999999999": "1"}, "no such item"),
        ("give-back/return", {"reason": "x", f"quantity-{'9' * 5000}": "1"}, "no such item"),
        ("issue", {"version": clock.iso(einvoice.updated_at)}, "cannot be issued"),
    ):
        assert submit_form(owner_client, f"{page}/{path}", page=page, **fields).headers["Location"] == page
        assert message in owner_client.get(page).text, path
    assert submit_form(owner_client, f"{page}/give-back/sale", page=page, reason="x").status_code == 404


def test_list_links_to_its_next_page(owner_client: FlaskClient, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.admin.lists.list_view.PAGE_SIZES", (2,))
    for _ in range(3):
        sample_data.create_draft(owner, marketplace="n11")
    first = owner_client.get("/admin/einvoices?marketplace=n11&page_size=2&_external=1&_scheme=javascript").text
    next_url = re.search(r'rel="next" href="([^"]+)"', first)
    assert next_url
    assert next_url[1].startswith("/admin/einvoices?marketplace=n11")
    second = owner_client.get(next_url[1].replace("&amp;", "&")).text
    assert second.count("<tr>") == 2  # the header and one row


def test_history_shows_labels_instead_of_codes(owner_client: FlaskClient, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    status_report = {"provider_status": "<b>taken</b>", "occurred_at": datetime(2026, 1, 2, 3, 4, tzinfo=UTC)}
    with unit_of_work():
        status_reports.report(einvoice.id, status_report, owner.id)
        issue.send(einvoice.id, owner.id, "test")
        credit_notes.draft_credit(einvoice.id, Type.RETURN, {"reason": "broken"}, owner.id, "test")
    page = owner_client.get(f"/admin/einvoices/{einvoice.id}").text
    assert "Provider status: &lt;b&gt;taken&lt;/b&gt; · Time: <time " in page
    assert "Jan 2, 2026" in page
    assert "Applied: yes" in page
    assert "Provider: None (not sent)" in page
    assert re.search(r"Total: [\d,]+\.\d\d<", page)


def test_history_shows_who_took_a_step(owner_client: FlaskClient, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    with unit_of_work():
        issue.send(einvoice.id, owner.id, f"user:{owner.id}")
    page = owner_client.get(f"/admin/einvoices/{einvoice.id}").text
    assert f"<strong>Queued for the provider</strong> <span>{owner.name}</span>" in page
    assert "<strong>E-invoice issued</strong> <span>test</span>" in page
    assert f"user:{owner.id}" not in page


def test_while_a_sending_is_pending_only_possible_steps_are_offered(owner_client: FlaskClient, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    page = f"/admin/einvoices/{einvoice.id}"
    for action in ("cancel", "send"):
        assert f'action="{page}/{action}"' in owner_client.get(page).text
    with unit_of_work():
        issue.send(einvoice.id, owner.id, "test")
    shown = owner_client.get(page).text
    for action in ("cancel", "send", "correct"):
        assert f'action="{page}/{action}"' not in shown
    assert f'action="{page}/give-back/return"' in shown


@pytest.fixture
def owner_client(signed_in_client: Callable[..., FlaskClient], owner: User) -> FlaskClient:
    return signed_in_client(owner)


@pytest.mark.drill
def test_pages_are_accessible(open_page: Opener, owner: User) -> None:
    for _ in range(2):
        einvoice = sample_data.issue_einvoice(owner)
    incomplete = sample_data.create_draft(owner, buyer={"name": "A Ltd.", "tax_office": "Kadıköy"})
    print_job.print_due()
    with unit_of_work():
        for days in (None, 30):
            links.create(einvoice.id, days=days, scope=owner.id, actor="test")
        sellers.save(owner.id, actor="test", tax_id="")

    def opener(**options: bool) -> Page:
        return sign_in(open_page(**options), owner)

    check_page(opener, "einvoices-list", lambda page: page.goto("/admin/einvoices"))
    check_page(opener, "einvoices-show", lambda page: page.goto(f"/admin/einvoices/{einvoice.id}"))
    check_page(opener, "einvoices-draft", lambda page: page.goto(f"/admin/einvoices/{incomplete.id}"))


@pytest.mark.parametrize("language", ["en", "tr"])
def test_the_page_of_a_wrong_public_link_is_accessible(open_page: Opener, language: str) -> None:
    def opener(**options: bool) -> Page:
        return open_page(language=language, **options)

    check_page(opener, f"public-link-{language}", lambda page: page.goto("/pdf/ihub_pdf_0"))
