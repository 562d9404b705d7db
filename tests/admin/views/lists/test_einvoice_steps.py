"""Steps with chosen e-invoices: each has its own result, and a second submission does nothing twice."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select, text

from app.accounts.models.accounts import User
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.pdf import print_job
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.storage.object_client import FAILURES
from app.kernel.unit_of_work import unit_of_work
from app.storage_settings import StorageSettings
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import Opener, sign_in
from tests.factories import a_buyer
from tests.object_stores import KEYS

pytestmark = pytest.mark.slow  # many requests in each

LIST = "/admin/einvoices"
STEPS = f"{LIST}/steps"


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    user = sample_data.enable_module(create_user("billing"))
    sample_data.make_seller(user)
    return user


@pytest.fixture
def owner_client(signed_in_client: Callable[..., FlaskClient], owner: User) -> FlaskClient:
    return signed_in_client(owner)


def drafts(owner: User, count: int) -> list[Einvoice]:
    return [sample_data.create_draft(owner) for _ in range(count)]


def numbers() -> list[str | None]:
    db.session.expire_all()
    return list(db.session.scalars(select(Einvoice.invoice_no).order_by(Einvoice.id)))


def take(client: FlaskClient, step: str, *ids: int) -> str:
    answer = submit_form(client, f"{STEPS}/{step}", ids=list(ids), back=f"{LIST}?status=draft")
    assert answer.status_code == 200
    shown: str = answer.text
    return shown


def test_one_refusal_stops_no_other(owner_client: FlaskClient, owner: User) -> None:
    first, last = drafts(owner, 2)
    incomplete = sample_data.create_draft(owner, buyer=a_buyer(name="–"))
    foreign = sample_data.create_draft(sample_data.enable_module(sample_data.a_user(role="billing")))
    page = take(owner_client, "issue", last.id, incomplete.id, first.id, foreign.id)
    db.session.expire_all()
    year = f"{db.session.get_one(Einvoice, first.id).issued_at:%Y}"
    assert numbers() == [f"EA-{year}-000001", f"EA-{year}-000002", None, None]
    assert "2 of 4 done" in page
    assert "The name of the buyer is missing." in page
    assert f"#{foreign.id}" in page
    assert f"Issued as EA-{year}-000001." in page
    assert 'data-replace-url="/admin/einvoices?status=draft"' in page


def test_a_second_submission_does_nothing_twice(owner_client: FlaskClient, owner: User) -> None:
    [draft] = drafts(owner, 1)
    take(owner_client, "issue", draft.id)
    before = numbers()
    assert "0 of 1 done" in take(owner_client, "issue", draft.id)
    assert numbers() == before
    assert "1 of 1 done" in take(owner_client, "send", draft.id)
    assert "0 of 1 done" in take(owner_client, "send", draft.id)
    assert len(db.session.scalars(select(EinvoiceSending)).all()) == 1


@pytest.mark.usefixtures("each_storage")
def test_pdfs_come_as_one_file_that_names_what_is_left_out(owner_client: FlaskClient, owner: User) -> None:
    issued = [sample_data.issue_einvoice(owner) for _ in range(2)]
    while print_job.print_due():
        pass
    [draft] = drafts(owner, 1)
    answer = submit_form(owner_client, f"{STEPS}/pdfs", ids=[draft.id, *(each.id for each in issued)])
    assert answer.mimetype == "application/zip"
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    assert archive.testzip() is None
    assert archive.namelist() == [*(f"{each.invoice_no}.pdf" for each in issued), "left-out.txt"]
    assert archive.read(f"{issued[0].invoice_no}.pdf").startswith(b"%PDF-")
    assert archive.read("left-out.txt").decode().startswith(f"#{draft.id}: ")
    answer.close()


@pytest.mark.usefixtures("bucket_storage")
def test_a_store_that_does_not_answer_is_asked_once(
    app: Hub, owner_client: FlaskClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = [sample_data.issue_einvoice(owner) for _ in range(2)]
    while print_job.print_due():
        pass
    monkeypatch.setitem(
        app.config, "STORAGE", StorageSettings(url="s3://hub/x?endpoint_url=http://127.0.0.1:1", **KEYS)
    )
    failed = FAILURES.labels("head")._value
    before = failed.get()
    answer = submit_form(owner_client, f"{STEPS}/pdfs", ids=[each.id for each in issued])
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert failed.get() == before + 1


def test_without_any_pdf_the_list_says_so(owner_client: FlaskClient, owner: User) -> None:
    [draft] = drafts(owner, 1)
    answer = submit_form(owner_client, f"{STEPS}/pdfs", page=LIST, ids=[draft.id])
    assert answer.status_code == 303
    assert "None of the chosen e-invoices has a PDF yet." in owner_client.get(LIST).text


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([], "Choose at least one row."),
        (["x"], "Expected an id."),
        (["9" * 30], "Expected an id."),
        (["0" * 20 + "9" * 5000], "Expected an id."),
        (list(range(1, 102)), "Choose at most 100 rows."),
    ],
)
def test_a_wrong_choice_is_refused(owner_client: FlaskClient, ids: list[object], message: str) -> None:
    for step in ("issue", "send", "pdfs"):
        answer = submit_form(owner_client, f"{STEPS}/{step}", page=LIST, ids=ids)
        assert answer.status_code == 303
        assert message in owner_client.get(LIST).text


def test_what_needs_a_person_comes_first(owner_client: FlaskClient, owner: User) -> None:
    with unit_of_work():
        rejected, doubtful, failed, plain = (sample_data.issue_einvoice(owner) for _ in range(4))
        incomplete = sample_data.create_draft(owner, buyer=a_buyer(name="–"))
        complete = sample_data.create_draft(owner)
        db.session.execute(text("UPDATE e_invoices SET status = 'rejected' WHERE id = :id"), {"id": rejected.id})
    for einvoice, in_doubt in ((doubtful, True), (failed, False)):
        with unit_of_work():
            sample_data.issue.send(einvoice.id, owner.id, "test")
        with unit_of_work():
            db.session.execute(
                text("UPDATE e_invoice_sendings SET state = 'failed', in_doubt = :doubt WHERE einvoice_id = :id"),
                {"doubt": in_doubt, "id": einvoice.id},
            )
    expected = [rejected.id, doubtful.id, failed.id, incomplete.id, complete.id, plain.id]
    assert ids_of(owner_client.get(LIST).text) == expected
    assert "Incomplete" in owner_client.get(LIST).text
    assert ids_of(owner_client.get(f"{LIST}?sort=-created").text) == sorted(expected, reverse=True)
    assert ids_of(owner_client.get(f"{LIST}?sort=need&type=sale").text) == expected


def test_pages_by_need_show_each_row_once(
    owner_client: FlaskClient, owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [sample_data.create_draft(owner, buyer=a_buyer(name="–" if number % 2 else "A")) for number in range(7)]
    expected = [row.id for row in rows[1::2][::-1]] + [row.id for row in rows[0::2][::-1]]
    monkeypatch.setattr("app.admin.lists.list_view.PAGE_SIZES", (2, 50))
    first = owner_client.get(f"{LIST}?page_size=2").text
    pages, here = [ids_of(first)], first
    while 'rel="next"' in here:
        here = owner_client.get(link(here, "next")).text
        pages.append(ids_of(here))
    assert [row for page in pages for row in page] == expected
    assert [len(page) for page in pages] == [2, 2, 2, 1]
    assert ids_of(owner_client.get(link(here, "prev")).text) == expected[4:6]


def test_an_administrator_sees_and_chooses_the_owner(
    owner: User,
    signed_in_client: Callable[..., FlaskClient],
    create_user: Callable[..., User],
    owner_client: FlaskClient,
) -> None:
    admin = sample_data.enable_module(create_user("admin", name="Admin"))
    own, other = sample_data.create_draft(admin), sample_data.create_draft(owner)
    client = signed_in_client(admin)
    page = client.get(LIST).text
    assert set(ids_of(page)) == {own.id, other.id}
    assert 'data-label="Owner"' in page
    assert ids_of(client.get(f"{LIST}?owner_id={owner.id}").text) == [other.id]
    assert 'data-label="Owner"' not in owner_client.get(f"{LIST}?owner_id={admin.id}").text
    assert ids_of(owner_client.get(f"{LIST}?owner_id={admin.id}").text) == [other.id]


def ids_of(page: str) -> list[int]:
    """The ids of the e-invoices in the list, from top to bottom."""

    return [int(found) for found in re.findall(r'class="row" href="/admin/einvoices/(\d+)"', page)]


def link(page: str, rel: str) -> str:
    """The address of the next or previous page."""

    found = re.search(rf'rel="{rel}" href="([^"]+)"', page)
    assert found
    return unescape(found[1])


@pytest.mark.drill
def test_rows_are_chosen_and_issued_with_one_confirmation(signed_in: Callable[..., Page]) -> None:
    page = signed_in("billing")
    sample_data.enable_module_of_newest_user()
    owner = db.session.query(User).one()
    sample_data.make_seller(owner)
    drafts(owner, 3)
    page.goto(LIST)
    issue = page.get_by_role("button", name="Issue…")
    expect(issue).to_be_disabled()
    page.get_by_label("All on this page").check()
    issue.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Chosen: 3")
    dialog.get_by_role("button", name="Issue", exact=True).click()
    expect(page.get_by_text("3 of 3 done")).to_be_visible()
    assert page.url.endswith(LIST)  # a reload shows the list and sends nothing again
    page.reload()
    expect(page.locator("a.row")).to_have_count(3)


@pytest.mark.drill
def test_a_double_click_sends_each_chosen_einvoice_once(open_page: Opener, owner: User) -> None:
    issued = [sample_data.issue_einvoice(owner) for _ in range(2)]
    page = sign_in(open_page(), owner)
    page.goto(LIST)
    page.get_by_label("All on this page").check()
    page.get_by_role("button", name="Send…").click()
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    # Before the first request is sent, a second click would only replace it.
    page.route(f"**{STEPS}/send", hold)
    place = page.get_by_role("dialog").get_by_role("button", name="Send", exact=True).bounding_box()
    assert place is not None
    for _ in range(2):
        page.mouse.click(place["x"] + 10, place["y"] + 10)
        page.wait_for_timeout(500)
    assert len(waiting) == 1
    waiting[0].continue_()
    expect(page.get_by_text("2 of 2 done")).to_be_visible()
    with unit_of_work():
        found = db.session.scalars(select(EinvoiceSending.einvoice_id).order_by(EinvoiceSending.einvoice_id)).all()
        assert found == [each.id for each in issued]
