"""``/admin/receipts/…/packing-list``: upload of a packing list, with a preview that names each error by its row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import ngettext
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.admin.error_pages import error_text
from app.admin.forms.uploaded_file import ChangedFile, UploadedFile, read_file
from app.admin.i18n.translate import translate
from app.admin.uploads import answers
from app.admin.uploads.answers import NoRefusedRows
from app.admin.uploads.column_choice import ColumnChoice, read_choice
from app.admin.uploads.file_choices import file_choices
from app.extensions import db
from app.grn import masters
from app.grn.receipts import packing_list, roll_files
from app.grn.receipts import service as receipts
from app.grn.receipts.item_builder import Data
from app.grn.receipts.roll_files import REQUIRED, RollTable
from app.grn.schemas.receipts import MAX_ROLLS
from app.kernel.errors import Invalid, Refusal
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.unit_of_work import commit_early
from app.kernel.uuids import new_uuid
from app.tables.user_files.refused_rows import RowError

blp = Blueprint("roll_upload", __name__, url_prefix="/receipts/<int:receipt_id>/items/<int:item_id>/packing-list")

#: Rolls that the page shows.
_SHOWN = 200


@blp.get("")
@requires("grn:write")
def show(receipt_id: int, item_id: int) -> str:
    """The form that takes a file."""
    return _page(receipt_id, item_id)


@blp.post("/preview")
@requires("grn:write")
@allow_bulk_body
def preview(receipt_id: int, item_id: int) -> str:
    """The rolls of the file, and what storing them would do; nothing is stored."""
    try:
        return _page(receipt_id, item_id, **_result(receipt_id, item_id, _read()))
    except Refusal as refusal:
        return _page(receipt_id, item_id, error=error_text(refusal))


@blp.post("")
@requires("grn:write")
@allow_bulk_body
def upload(receipt_id: int, item_id: int) -> str | Response:
    """Replace the packing list by the file of the preview."""
    try:
        upload = _read()
        if upload.found.refusal is not None or not upload.file.is_previewed:
            error = "" if upload.found.refusal else error_text(ChangedFile())
            return _page(receipt_id, item_id, **_result(receipt_id, item_id, upload), error=error)
        rolls = upload.found.rolls
        answers.reporter(upload.choice.user_id, is_stored=True)(0, len(rolls))
        with db.session.begin_nested():
            packing_list.replace(receipt_id, item_id, rolls, actor=actor())
    except Refusal as refusal:
        return _page(receipt_id, item_id, **_service_refusal(refusal))
    message = ngettext(
        "The packing list is stored: %(num)s roll.", "The packing list is stored: %(num)s rolls.", len(rolls)
    )
    return answers.leave_with_success(message, "admin.receipts.item", receipt_id=receipt_id, item_id=item_id)


@blp.post("/refused")
@requires("grn:write")
@allow_bulk_body
def refused(receipt_id: int, item_id: int) -> Response:
    """The wrong rows of the file as a file, each with what is wrong."""
    packing_list.find_item(receipt_id, item_id)
    found = _read(keep_cells=True).found
    if not isinstance(found.refusal, Invalid):
        raise found.refusal or NoRefusedRows
    errors: dict[int, list[RowError]] = {}
    for row, column, _value, message in _row_errors(found.refusal):
        errors.setdefault(row, []).append(RowError(str(row), column, message))
    wrong = [(row, errors[row.number]) for row in found.table.rows if row.number in errors]
    return answers.send_refused_rows(found.table.titles, wrong)


@dataclass(frozen=True, slots=True)
class _Upload:
    file: UploadedFile
    choice: ColumnChoice
    found: RollTable


def _read(*, keep_cells: bool = False) -> _Upload:
    choice = read_choice("rolls")
    file = read_file(choice.columns)
    answers.begin(choice.user_id)
    commit_early()  # reading takes long; meanwhile it holds no connection
    found = roll_files.read_roll_table(
        file.content,
        choice.columns,
        file_choices(),
        keep_totals="keep_totals" in request.form,
        keep_cells=keep_cells,
        owner=choice.user_id,
    )
    return _Upload(file, choice, found)


def _result(receipt_id: int, item_id: int, upload: _Upload) -> dict[str, Any]:
    found, rolls = upload.found, upload.found.rolls
    values: dict[str, Any] = {"columns": upload.choice.card(found.table, REQUIRED)}
    if found.table.refusal is not None:
        return values
    if found.refusal is not None:
        return {**values, **_service_refusal(found.refusal), "is_downloadable": isinstance(found.refusal, Invalid)}
    return {
        **values,
        "rolls": rolls[:_SHOWN],
        "hidden": max(len(rolls) - _SHOWN, 0),
        "replacement": packing_list.preview_replacement(receipt_id, item_id, rolls),
        "length": _total(rolls, "supplier_length"),
        "weight": _total(rolls, "supplier_weight"),
        "digest": upload.file.digest,
    }


def _total(rolls: list[Data], name: str) -> Decimal:
    return sum((roll.get(name) or Decimal(0) for roll in rolls), Decimal(0))


def _service_refusal(refusal: Refusal) -> dict[str, Any]:
    errors = list(_row_errors(refusal)) if isinstance(refusal, Invalid) else []
    shown = [
        {"row": row, "column": column, "value": value, "message": translate(message)}
        for row, column, value, message in errors
    ]
    return {"errors": shown, "error": "" if shown else error_text(refusal)}


def _row_errors(refusal: Invalid) -> Iterator[tuple[int, str, Any, str]]:
    """Row, column, value and message of each error."""
    sent = (refusal.payload or {}).get("row", {})
    for path, texts in flatten_errors(refusal.errors or {}):
        match path:
            case ("row", int(number), *rest):
                column = str(rest[0]) if rest else ""
                for text in texts:
                    yield number, column, sent.get(number, {}).get(column), text


def _page(receipt_id: int, item_id: int, **values: Any) -> str:
    item = packing_list.find_item(receipt_id, item_id)
    return render_template(
        "admin/roll_upload_show.html",
        receipt=receipts.find_header(receipt_id),
        item=item,
        fabric=masters.find(masters.FABRICS, item.fabric_id),
        typed=request.form,
        max_rows=MAX_ROLLS,
        upload_id=request.form.get("upload_id") or new_uuid(),
        **values,
    )
