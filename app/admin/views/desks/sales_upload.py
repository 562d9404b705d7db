"""``/admin/sales/upload``: import of a CSV or XLSX file, with a preview that names each error by its row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString

from app.accounts.guards import requires
from app.accounts.principals import authenticate
from app.admin.error_pages import error_text
from app.admin.forms.base import choices as select_choices
from app.admin.forms.uploaded_file import ChangedFile, read_file
from app.kernel.errors import Refusal
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.sales.imports import uploaded_table
from app.sales.imports.uploaded_table import TableInvoice
from app.tables.dates import DateFormat
from app.tables.layout import Choices

blp = Blueprint("sales_upload", __name__, url_prefix="/sales/upload")

#: Format of the dates in the file -> its label.
DATE_FORMATS: Mapping[str, LazyString | str] = {
    "": lazy_gettext("2026-12-31, or date cells"),
    "dd.mm.yyyy": "31.12.2026 (dd.mm.yyyy)",
    "dd/mm/yyyy": "31/12/2026 (dd/mm/yyyy)",
    "mm/dd/yyyy": "12/31/2026 (mm/dd/yyyy)",
}
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
    return _answer(uploaded_table.preview_table, is_done=False)


@blp.post("")
@requires("sales:import")
@allow_bulk_body
def upload() -> str:
    """Import the invoices that are right; the page names the refused ones."""
    return _answer(uploaded_table.import_table, is_done=True)


def _answer(run: Any, *, is_done: bool) -> str:
    user_id = authenticate().user_id
    try:
        file = read_file()
        invoices = uploaded_table.read_table(file.content, _choices(), user_id)
        if is_done and not file.is_previewed:
            found = uploaded_table.preview_table(invoices, user_id)
            return _page(**_result(found, file.digest), error=error_text(ChangedFile()))
        return _page(**_result(run(invoices, user_id), file.digest), is_done=is_done)
    except Refusal as refusal:
        return _page(error=error_text(refusal))


def _choices() -> Choices:
    date_format, sheet = request.form.get("date_format", ""), request.form.get("sheet", "").strip()
    return Choices(
        sheet or None,
        DateFormat.parse(date_format) if date_format else None,
        sheet_option=gettext("Sheet"),
        date_option=gettext("Dates in the file"),
    )


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
        date_formats=select_choices(DATE_FORMATS),
        typed=request.form,
        max_rows=uploaded_table.MAX_ROWS,
        **values,
    )
