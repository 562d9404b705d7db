"""Labels of chosen rolls: A4 from any place on, thermal labels, and prints that are deleted after a day."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pypdfium2
import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader

from app.extensions import db
from app.grn.errors import BadFields, PaperNotMade, UnknownItem, UnknownLabelPrint
from app.grn.models.papers import LabelPrint
from app.grn.papers import label_prints, print_job
from app.grn.papers.label_prints import LIFETIME
from app.grn.receipts import service as receipts
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.pdf import files, print_queue
from app.pdf.labels.sheets import LabelPaper
from tests.factories import a_fabric_item, a_roll
from tests.grn.papers.helpers import create_receipt
from tests.grn.papers.test_roll_labels import scan
from tests.object_stores import stored_paths

POINTS_PER_MM = 72 / 25.4


@pytest.fixture
def item(clerk: FlaskClient) -> Any:
    """Receipt id, item id and the ids of five rolls."""
    rolls = [a_roll(10.5 + number, factoryRollNo=f"F{number}", supplierRollNo=f"s{number}") for number in range(5)]
    receipt = create_receipt(clerk, a_fabric_item(supplierRollList=rolls))
    stored = receipt["fabricItemList"][0]
    return receipt["id"], stored["id"], [roll["id"] for roll in stored["supplierRollList"]]


def print_labels(item: Any, rolls: list[int], paper: LabelPaper, start: int = 1) -> bytes:
    receipt_id, item_id, _ = item
    with unit_of_work():
        made = label_prints.create(receipt_id, item_id, rolls, paper, start).id
    with unit_of_work(), pytest.raises(PaperNotMade):
        label_prints.stored_print(receipt_id, made)
    assert print_queue.print_next(print_job.LABEL_QUEUE)
    with unit_of_work():
        return files.read(label_prints.stored_print(receipt_id, made).path)


def test_sheets_begin_at_the_chosen_place(item: Any) -> None:
    content = print_labels(item, item[2][::-1][:4], LabelPaper.A4, start=13)
    assert [scan(content, page) for page in range(2)] == [["F1", "F2"], ["F3", "F4"]]
    image = pypdfium2.PdfDocument(content)[0].render(scale=1).to_pil().convert("L")
    above = image.crop((0, 0, image.width, int((15 + 6 * 38.1) * POINTS_PER_MM)))
    assert above.getextrema() == (255, 255)  # the places that were used before are blank


def test_thermal_labels_have_a_page_each(item: Any) -> None:
    content = print_labels(item, item[2][1:3], LabelPaper.THERMAL)
    pages = PdfReader(io.BytesIO(content)).pages
    sizes = [(page.mediabox.width, page.mediabox.height) for page in pages]
    assert [tuple(round(side / POINTS_PER_MM) for side in size) for size in sizes] == [(100, 50)] * 2
    assert [scan(content, page) for page in range(2)] == [["F1"], ["F2"]]
    assert "11.5 m" in pages[0].extract_text()


def test_rolls_are_found_by_their_numbers_in_any_case(item: Any) -> None:
    with unit_of_work():
        assert label_prints.roll_ids_of(item[1]) == item[2]
        assert label_prints.roll_ids_of(item[1], ["S1", "f3"]) == [item[2][1], item[2][3]]
        with pytest.raises(BadFields) as refused:
            label_prints.roll_ids_of(item[1], ["S1", "X9"])
    assert "has the number X9." in str(refused.value.errors)


def test_wrong_choices_are_refused(item: Any) -> None:
    receipt_id, item_id, rolls = item
    for chosen, start in (([], 1), ([999], 1), ([*rolls, 999], 1), (rolls, 0), (rolls, 15)):
        with unit_of_work(), pytest.raises(BadFields):
            label_prints.create(receipt_id, item_id, chosen, LabelPaper.A4, start)
    with unit_of_work(), pytest.raises(UnknownItem):
        label_prints.create(receipt_id, 999, rolls, LabelPaper.A4)


def test_old_prints_are_deleted_with_their_files(item: Any) -> None:
    receipt_id, item_id, rolls = item
    print_labels(item, rolls, LabelPaper.A4)
    with unit_of_work():
        [old] = db.session.query(LabelPrint).all()
        old.created_at = clock.now() - LIFETIME - timedelta(minutes=1)
        path = label_prints.stored_print(receipt_id, old.id).path
    with unit_of_work():
        label_prints.create(receipt_id, item_id, rolls, LabelPaper.A4)
    assert path not in stored_paths()
    with unit_of_work(), pytest.raises(UnknownLabelPrint):
        label_prints.find(receipt_id, old.id)


def test_prints_are_deleted_with_their_receipt(item: Any) -> None:
    print_labels(item, item[2], LabelPaper.THERMAL)
    with unit_of_work():
        [row] = db.session.query(LabelPrint).all()
        path = label_prints.stored_print(item[0], row.id).path
        receipts.delete_receipt(item[0], actor="test")
    assert path not in stored_paths()
