"""``/admin/receipts/upload``: goods receipts from a CSV or XLSX file, with a preview that names errors by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.admin.error_pages import error_text
from app.admin.forms.uploaded_file import ChangedFile, UploadedFile, read_file
from app.admin.uploads import answers
from app.admin.uploads.answers import NoRefusedRows
from app.admin.uploads.column_choice import ColumnChoice, read_choice
from app.admin.uploads.file_choices import date_formats, file_choices
from app.grn.receipts import sample_file, uploaded_receipts
from app.grn.receipts.receipt_files import REQUIRED, ReceiptTable, read_receipts
from app.grn.receipts.uploaded_receipts import TableReceipt
from app.grn.schemas.receipts import MAX_ROLLS
from app.kernel.errors import Refusal
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.unit_of_work import commit_early
from app.kernel.uuids import new_uuid

blp = Blueprint("receipt_upload", __name__, url_prefix="/receipts/upload")

#: Receipts and errors that the page shows.
_SHOWN = 200


@blp.get("")
@requires("grn:write")
def show() -> str:
    """The form that takes a file."""
    return _page()


@blp.get("/sample.xlsx")
@requires("grn:write")
def sample() -> Response:
    """A sample file that can be booked in as it is."""
    return answers.send_sheet(sample_file.write_sample(), "goods-receipt-sample.xlsx")


@blp.post("/preview")
@requires("grn:write")
@allow_bulk_body
def preview() -> str:
    """What the file has, and what the booking would do; nothing is stored."""
    return _answer(is_done=False)


@blp.post("")
@requires("grn:write")
@allow_bulk_body
def upload() -> str:
    """Store the receipts that are right; the page names the refused ones."""
    return _answer(is_done=True)


@blp.post("/refused")
@requires("grn:write")
@allow_bulk_body
def refused() -> Response:
    """The rows of the refused receipts as a file, each with what is wrong."""
    _, _, found = _read(keep_cells=True)
    if found.table.refusal is not None:
        raise found.table.refusal
    rows = list(uploaded_receipts.refused_rows(found.receipts, uploaded_receipts.preview(found.receipts)))
    if not rows:
        raise NoRefusedRows
    return answers.send_refused_rows(found.table.titles, rows)


def _answer(*, is_done: bool) -> str:
    try:
        choice, file, found = _read()
        columns = choice.card(found.table, REQUIRED)
        if columns.error:
            return _page(columns=columns)
        is_stored = is_done and file.is_previewed
        report = answers.reporter(choice.user_id, is_stored=is_stored)
        if is_stored:
            outcomes = uploaded_receipts.book_in(found.receipts, report, actor=actor())
        else:
            outcomes = uploaded_receipts.preview(found.receipts, report)
        error = error_text(ChangedFile()) if is_done and not is_stored else ""
        return _page(**_result(outcomes, file.digest), columns=columns, is_done=is_stored, error=error)
    except Refusal as refusal:
        return _page(error=error_text(refusal))


def _read(*, keep_cells: bool = False) -> tuple[ColumnChoice, UploadedFile, ReceiptTable]:
    choice = read_choice("receipts")
    file = read_file(choice.columns)
    answers.begin(choice.user_id)
    commit_early()  # reading takes long; meanwhile it holds no connection
    found = read_receipts(file.content, choice.columns, file_choices(), owner=choice.user_id, keep_cells=keep_cells)
    return choice, file, found


def _result(found: Sequence[TableReceipt], digest: str) -> dict[str, Any]:
    errors = [(each, error) for each in found for error in each.errors]
    return {
        "receipts": found[:_SHOWN],
        "hidden": max(len(found) - _SHOWN, 0),
        "states": Counter(each.state for each in found),
        "rolls": sum(each.rolls for each in found if each.state == "new"),
        "errors": errors[:_SHOWN],
        "hidden_errors": max(len(errors) - _SHOWN, 0),
        "digest": digest,
    }


def _page(**values: Any) -> str:
    return render_template(
        "admin/receipt_upload_show.html",
        date_formats=date_formats(),
        typed=request.form,
        max_rows=MAX_ROLLS,
        upload_id=request.form.get("upload_id") or new_uuid(),
        **values,
    )
