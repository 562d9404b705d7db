"""``/admin/sales/upload``: import of a CSV or XLSX file, with a preview that names each error by its row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.admin.error_pages import error_text
from app.admin.forms.uploaded_file import ChangedFile, UploadedFile, read_file
from app.admin.uploads import answers
from app.admin.uploads.answers import NoRefusedRows
from app.admin.uploads.column_choice import ColumnChoice, read_choice
from app.admin.uploads.file_choices import date_formats, file_choices
from app.kernel.errors import Refusal
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.unit_of_work import commit_early
from app.kernel.uuids import new_uuid
from app.sales.imports import uploaded_table
from app.sales.imports.uploaded_table import SalesTable, TableInvoice

blp = Blueprint("sales_upload", __name__, url_prefix="/sales/upload")

#: Invoices and errors that the page shows.
_SHOWN = 200


@blp.get("")
@requires("sales:import")
def show() -> str:
    """The form that takes a file."""
    return _page()


@blp.post("/preview")
@requires("sales:import")
@allow_bulk_body
def preview() -> str:
    """What the file has, and what an import would do; nothing is stored."""
    return _answer(is_done=False)


@blp.post("")
@requires("sales:import")
@allow_bulk_body
def upload() -> str:
    """Import the invoices that are right; the page names the refused ones."""
    return _answer(is_done=True)


@blp.post("/refused")
@requires("sales:import")
@allow_bulk_body
def refused() -> Response:
    """The rows of the refused invoices as a file, each with what is wrong."""
    choice, _, found = _read(keep_cells=True)
    if found.table.refusal is not None:
        raise found.table.refusal
    outcomes = uploaded_table.preview_table(found.invoices, choice.user_id)
    rows = list(uploaded_table.refused_rows(found.invoices, outcomes))
    if not rows:
        raise NoRefusedRows
    return answers.send_refused_rows(found.table.titles, rows)


def _answer(*, is_done: bool) -> str:
    try:
        choice, file, found = _read()
        columns = choice.card(found.table, uploaded_table.REQUIRED)
        if columns.error:
            return _page(columns=columns)
        is_stored = is_done and file.is_previewed
        run = uploaded_table.import_table if is_stored else uploaded_table.preview_table
        result = run(found.invoices, choice.user_id, answers.reporter(choice.user_id, is_stored=is_stored))
        error = error_text(ChangedFile()) if is_done and not is_stored else ""
        return _page(**_result(result, file.digest), columns=columns, is_done=is_stored, error=error)
    except Refusal as refusal:
        return _page(error=error_text(refusal))


def _read(*, keep_cells: bool = False) -> tuple[ColumnChoice, UploadedFile, SalesTable]:
    choice = read_choice("sales")
    file = read_file(choice.columns)
    answers.begin(choice.user_id)
    commit_early()  # reading takes long; meanwhile it holds no connection
    found = uploaded_table.read_table(
        file.content, file_choices(), choice.user_id, choice.columns, keep_cells=keep_cells
    )
    return choice, file, found


def _result(found: Sequence[TableInvoice], digest: str) -> dict[str, Any]:
    errors = [(each, error) for each in found for error in each.errors]
    return {
        "invoices": found[:_SHOWN],
        "hidden": max(len(found) - _SHOWN, 0),
        "states": Counter(each.state for each in found),
        "total": sum((each.total for each in found if each.total and each.state == "new"), Decimal(0)),
        "errors": errors[:_SHOWN],
        "hidden_errors": max(len(errors) - _SHOWN, 0),
        "digest": digest,
    }


def _page(**values: Any) -> str:
    return render_template(
        "admin/sales_upload_show.html",
        date_formats=date_formats(),
        typed=request.form,
        max_rows=uploaded_table.MAX_ROWS,
        upload_id=request.form.get("upload_id") or new_uuid(),
        **values,
    )
