"""Every column of a file that people upload has a label to choose it by."""

from __future__ import annotations

from app.admin.uploads.column_names import COLUMN_LABELS
from app.grn.receipts import receipt_files, roll_files
from app.sales.files import spreadsheet


def test_the_labels_are_those_of_all_columns() -> None:
    assert set(COLUMN_LABELS["rolls"]) == set(roll_files._FIELDS)
    assert set(COLUMN_LABELS["receipts"]) == set(receipt_files.COLUMNS)
    assert set(COLUMN_LABELS["sales"]) == set(spreadsheet.PLACES)
