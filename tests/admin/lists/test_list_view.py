"""The list component: columns, order, page size, pages, the number of rows, and the filtered list as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser, Page, expect

from app.accounts.models.accounts import User
from app.admin.lists.columns import TABLES
from app.extensions import db
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import sign_in

LIST = "/admin/sales"
COLUMNS = "/admin/lists/sales/columns"


def cells(text: str, label: str) -> list[str]:
    """The texts of a column of the list, from top to bottom."""
    found = re.findall(rf'<td class="[a-z]*" data-label="{label}"[^>]*><span[^>]*>(.*?)</span></td>', text, re.S)
    return [unescape(re.sub(r"<[^>]+>", "", each)).strip() for each in found]


def link_of(text: str, name: str) -> str:
    """The address of the link with a text."""
    found = re.search(rf'<a [^>]*href="([^"]+)"[^>]*>{name}</a>', text)
    assert found, name
    return unescape(found[1])


def import_invoices(count: int) -> list[str]:
    return [
        sample_data.import_invoice(invoice_no=f"L-{number:02}", invoice_date=f"2026-11-{30 - number:02}")
        for number in range(count)
    ]


def test_headings_sort_and_turn_the_order(admin_client: FlaskClient) -> None:
    numbers = import_invoices(4)
    text = admin_client.get(LIST).text
    assert cells(text, "Number") == numbers[::-1]
    assert "aria-sort" not in text
    by_number = link_of(text, "Number")
    text = admin_client.get(by_number).text
    assert cells(text, "Number") == numbers
    assert '<th scope="col" class="word" aria-sort="ascending">' in text
    assert cells(admin_client.get(link_of(text, "Number")).text, "Number") == numbers[::-1]
    assert (
        cells(admin_client.get(link_of(text, "Date")).text, "Number") == numbers
    )  # the first number has the last date
    assert "<a href" not in text.split("Customer</th>")[0].split("<th")[-1]  # no index, no link


def test_pages_keep_the_filters_and_the_order(admin_client: FlaskClient) -> None:
    numbers = import_invoices(25)
    text = admin_client.get(f"{LIST}?sort=number&search=l&priority=").text
    assert cells(text, "Number") == numbers[:20]
    assert "25 in total" in text
    second = link_of(text, "Next page")
    assert "sort=number" in second
    assert "search=l" in second
    assert "priority" not in second  # a blank filter is none
    text = admin_client.get(second).text
    assert cells(text, "Number") == numbers[20:]
    assert "Next page" not in text
    assert cells(admin_client.get(link_of(text, "Previous page")).text, "Number") == numbers[:20]
    assert len(cells(admin_client.get(link_of(text, "50")).text, "Number")) == 25


def test_a_bad_place_is_told_or_refused(admin_client: FlaskClient) -> None:
    import_invoices(2)
    text = admin_client.get(f"{LIST}?sort=customer&page_size=7").text
    assert "sort: " in text
    assert "page_size: " in text
    assert len(cells(text, "Number")) == 2
    assert admin_client.get(f"{LIST}?after=x").status_code == 422
    assert admin_client.get(f"{LIST}?before=x").status_code == 422


def test_columns_are_remembered_for_the_user_and_the_list(
    admin_client: FlaskClient, signed_in_client: Callable[..., FlaskClient]
) -> None:
    import_invoices(1)
    answer = submit_form(admin_client, COLUMNS, page=LIST, columns=["customer_code", "total", "nonsense"], back=LIST)
    assert answer.headers["Location"] == LIST
    text = admin_client.get(LIST).text
    assert re.findall(r'<td class="[a-z]*" data-label="([^"]+)"', text) == ["Number", "Customer code", "Total"]
    assert cells(admin_client.get("/admin/sales/queue/picking").text, "Customer code")
    assert not cells(signed_in_client("billing").get(LIST).text, "Customer code")
    db.session.expire_all()
    assert db.session.query(User).order_by(User.id).first().list_columns == {"sales": ["customer_code", "total"]}
    submit_form(admin_client, COLUMNS, page=LIST, reset="1", back=LIST)
    assert cells(admin_client.get(LIST).text, "Customer")


def test_a_choice_for_an_unknown_list_or_another_site_is_refused(admin_client: FlaskClient) -> None:
    assert submit_form(admin_client, "/admin/lists/nothing/columns", back=LIST).status_code == 404
    answer = submit_form(admin_client, COLUMNS, back="https://elsewhere.example/")
    assert answer.headers["Location"] == "/admin"


def test_the_filtered_list_is_a_file(admin_client: FlaskClient) -> None:
    numbers = import_invoices(3)
    sample_data.import_invoice(invoice_no="OTHER-1", customer={"code": "=1+1", "name": "=HYPERLINK(1)"})
    answer = admin_client.get(f"{LIST}?search=l&sort=number&format=csv")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="sales-')
    assert answer.data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0][:3] == ["Number", "Date", "Customer"]
    assert len(rows[0]) == len(TABLES["sales"].columns)
    assert [row[0] for row in rows[1:]] == numbers
    everything = admin_client.get(f"{LIST}?format=csv").data.decode("utf-8-sig")
    assert "'=HYPERLINK(1)" in everything


def test_a_file_of_many_rows_is_read_in_chunks(admin_client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = import_invoices(7)
    monkeypatch.setattr("app.admin.lists.list_file.CHUNK", 3)
    rows = list(csv.reader(io.StringIO(admin_client.get(f"{LIST}?sort=number&format=csv").data.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == numbers


def test_a_queue_has_the_filters_and_search(admin_client: FlaskClient) -> None:
    sample_data.import_invoice(invoice_no="Q-1", customer={"code": "C-1", "name": "Şahin Eczanesi"})
    sample_data.import_invoice(invoice_no="Q-2", customer={"code": "C-2", "name": "Other"})
    assert cells(admin_client.get("/admin/sales/queue/picking?search=sahin").text, "Number") == ["Q-1"]
    assert cells(admin_client.get("/admin/sales/queue/packing?search=sahin").text, "Number") == []


def test_rows_open_by_click_and_by_keyboard(signed_in: Callable[..., Page]) -> None:
    import_invoices(22)
    page = signed_in("admin")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(LIST)
    rows = page.locator(".dense tbody tr")
    expect(rows).to_have_count(20)
    assert rows.nth(19).evaluate("row => row.getBoundingClientRect().bottom") < 900
    heights = rows.evaluate_all("rows => rows.map((row) => row.getBoundingClientRect().height)")
    assert max(heights) < 1.1 * min(heights)  # nothing wraps
    amount = rows.nth(2).locator("td").last.bounding_box()
    assert amount
    page.mouse.click(amount["x"] + 5, amount["y"] + 5)  # the whole row is the link
    expect(page.get_by_role("heading", level=1)).to_have_text("L-19")
    page.go_back()
    page.locator("a.row").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("L-20")


def test_columns_are_chosen_in_a_menu(signed_in: Callable[..., Page]) -> None:
    import_invoices(1)
    page = signed_in("admin")
    page.goto(f"{LIST}?search=l")
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("Customer code").check()
    page.locator(".menu").get_by_role("button", name="Save").click()
    expect(page.get_by_role("columnheader", name="Customer code")).to_be_visible()
    assert "search=l" in page.url


@pytest.mark.drill
def test_a_filter_without_a_server_says_so(browser: Browser, server_url: str, create_user: Callable[..., User]) -> None:
    import_invoices(1)
    # A page of its own: htmx logs the failed request, and the other pages allow no error in the console.
    page = sign_in(browser.new_page(base_url=server_url), create_user("admin"))
    page.goto(LIST)
    page.route("**/admin/sales?*", lambda route: route.abort())
    page.get_by_label("Search").last.type("nowhere")
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer.")
    expect(page.locator("#results.not-loaded tbody tr")).to_have_count(1)
    page.unroute("**/admin/sales?*")
    page.get_by_label("Search").last.fill("L-00")
    expect(page.get_by_role("alert")).to_have_count(0)
    expect(page.locator("#results.not-loaded")).to_have_count(0)
    page.close()
