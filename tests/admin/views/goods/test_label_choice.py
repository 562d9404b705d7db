"""Labels of chosen rolls on a page: the choice, the paper, and the PDF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.extensions import db
from app.grn.models.papers import LabelPrint
from app.grn.models.receipts import GoodsReceipt
from app.grn.papers import print_job
from app.kernel.http.app import Hub
from app.pdf import print_queue
from tests.admin import sample_data
from tests.admin.client import submit_form
from tests.admin.conftest import check_page, take_screenshot


@pytest.fixture
def receipt(app: Any) -> GoodsReceipt:
    return sample_data.receive_goods(10, 20, 30)


def path_of(receipt: GoodsReceipt) -> str:
    return f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}/labels"


def test_labels_of_chosen_rolls_are_printed(
    signed_in: Callable[..., Page], app: Hub, receipt: GoodsReceipt, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)
    page = signed_in("warehouse")
    page.goto(f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}")
    page.get_by_role("link", name="Print labels").click()
    page.get_by_label("Thermal labels").check()
    page.get_by_label(receipt.fabric_items[0].rolls[1].supplier_roll_no).check()
    page.get_by_role("button", name="Create the labels").click()
    expect(page.locator("#labels")).to_contain_text("The labels are being created")
    assert print_queue.print_next(print_job.LABEL_QUEUE)
    expect(page.locator("#labels")).to_contain_text("1 label is ready.")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF-")


@pytest.mark.parametrize("desk", ["labels", "inspection"])
def test_many_rolls_have_pages_in_both_directions(signed_in_client: Callable[..., FlaskClient], desk: str) -> None:
    item = sample_data.receive_goods(*[10.0] * 201).fabric_items[0]
    client, path = signed_in_client("warehouse"), f"/admin/receipts/{item.receipt_id}/items/{item.id}/{desk}"
    links = [
        [name for name in ("First page", "Previous page", "Next page") if f">{name}</a>" in text]
        for text in (client.get(f"{path}?page={number}").text for number in range(3))
    ]
    assert links == [["Next page"], ["First page", "Previous page", "Next page"], ["First page", "Previous page"]]
    assert "201 in total" in client.get(path).text


class TestRequests:
    @pytest.fixture
    def warehouse(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("warehouse")

    @pytest.mark.parametrize(
        ("fields", "message"),
        [
            ({"roll": "999"}, "Choose at least one roll"),
            ({"roll": ["9" * 30, "1" * 18]}, "Choose at least one roll"),
            ({"numbers": "X1"}, "has the number X1."),
            ({"start": "15"}, "Use 1 to 14."),
            ({"start": "x"}, "Use 1 to 14."),
        ],
    )
    def test_refusals_keep_the_choice(
        self, warehouse: FlaskClient, receipt: GoodsReceipt, fields: dict[str, Any], message: str
    ) -> None:
        answer = submit_form(warehouse, path_of(receipt), page=path_of(receipt), **{"start": "1", **fields})
        assert answer.status_code == 422
        assert message in answer.text

    def test_scanned_numbers_are_chosen(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        rolls = receipt.fabric_items[0].rolls
        numbers = f" {rolls[0].supplier_roll_no.lower()}\r\n{rolls[2].supplier_roll_no}\r\n"
        fields = {"numbers": numbers, "roll": str(rolls[0].id), "start": "3", "paper": "a4"}
        answer = submit_form(warehouse, path_of(receipt), page=path_of(receipt), **fields)
        assert answer.status_code == 303
        assert print_queue.print_next(print_job.LABEL_QUEUE)
        assert "2 labels are ready." in warehouse.get(answer.headers["Location"]).text

    def test_without_a_choice_all_rolls_are_printed(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        answer = submit_form(warehouse, path_of(receipt), page=path_of(receipt), start="1", paper="thermal")
        made = db.session.get_one(LabelPrint, int(answer.headers["Location"].rpartition("/")[2]))
        assert made.roll_ids == [roll.id for roll in receipt.fabric_items[0].rolls]
        assert (made.paper, made.start) == ("thermal", 1)

    def test_one_roll_is_named_as_one(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        assert "the labels of all 3 rolls are printed" in warehouse.get(path_of(receipt)).text
        assert "the label of 1 roll is printed" in warehouse.get(path_of(sample_data.receive_goods(50))).text

    def test_labels_of_another_receipt_are_not_found(self, warehouse: FlaskClient, receipt: GoodsReceipt) -> None:
        assert warehouse.get(f"{path_of(receipt)}/999").status_code == 404
        assert warehouse.get(f"{path_of(receipt)}/999.pdf").status_code == 404


@pytest.mark.drill
def test_page_is_accessible(signed_in: Callable[..., Page], receipt: GoodsReceipt) -> None:
    check_page(signed_in, "labels", lambda page: page.goto(path_of(receipt)))
    turkish = signed_in(language="tr")
    turkish.set_viewport_size({"width": 1024, "height": 900})
    turkish.goto(path_of(receipt))
    take_screenshot(turkish, "labels-turkish-1024")
