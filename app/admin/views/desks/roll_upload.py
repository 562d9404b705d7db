"""``/admin/receipts/…/packing-list``: upload of a packing list, with a preview that names each error by its row."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.accounts.principals import authenticate
from app.admin.error_pages import error_text
from app.admin.forms.uploaded_file import ChangedFile, UploadedFile, read_file
from app.admin.helpers import redirect_with_success
from app.admin.i18n.translate import translate
from app.extensions import db
from app.grn import masters
from app.grn.receipts import packing_list, roll_files
from app.grn.receipts import service as receipts
from app.grn.receipts.item_builder import Data
from app.grn.schemas.receipts import MAX_ROLLS
from app.kernel.errors import Invalid, Refusal
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.unit_of_work import commit_early

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
        file, rolls = _read()
        return _page(receipt_id, item_id, **_result(receipt_id, item_id, file, rolls))
    except Refusal as refusal:
        return _refused(receipt_id, item_id, refusal)


@blp.post("")
@requires("grn:write")
@allow_bulk_body
def upload(receipt_id: int, item_id: int) -> str | Response:
    """Replace the packing list by the file of the preview."""
    try:
        file, rolls = _read()
        if not file.is_previewed:
            result = _result(receipt_id, item_id, file, rolls)
            return _page(receipt_id, item_id, **result, error=error_text(ChangedFile()))
        with db.session.begin_nested():
            packing_list.replace(receipt_id, item_id, rolls, actor=actor())
    except Refusal as refusal:
        return _refused(receipt_id, item_id, refusal)
    message = gettext("The packing list is stored: %(n)s rolls.", n=len(rolls))
    return redirect_with_success(message, "admin.receipts.item", receipt_id=receipt_id, item_id=item_id)


def _read() -> tuple[UploadedFile, list[Data]]:
    file = read_file()
    user_id = authenticate().user_id
    commit_early()  # reading takes long; meanwhile it holds no connection
    rolls = roll_files.read_rolls(
        file.content,
        sheet=request.form.get("sheet", "").strip() or None,
        keep_totals="keep_totals" in request.form,
        owner=user_id,
        sheet_option=gettext("Sheet"),
    )
    return file, rolls


def _result(receipt_id: int, item_id: int, file: UploadedFile, rolls: list[Data]) -> dict[str, Any]:
    return {
        "rolls": rolls[:_SHOWN],
        "hidden": max(len(rolls) - _SHOWN, 0),
        "replacement": packing_list.preview_replacement(receipt_id, item_id, rolls),
        "length": _total(rolls, "supplier_length"),
        "weight": _total(rolls, "supplier_weight"),
        "digest": file.digest,
    }


def _total(rolls: list[Data], name: str) -> Decimal:
    return sum((roll.get(name) or Decimal(0) for roll in rolls), Decimal(0))


def _refused(receipt_id: int, item_id: int, refusal: Refusal) -> str:
    errors = list(_row_errors(refusal)) if isinstance(refusal, Invalid) else []
    return _page(receipt_id, item_id, errors=errors, error="" if errors else error_text(refusal))


def _row_errors(refusal: Invalid) -> Iterator[dict[str, Any]]:
    sent = (refusal.payload or {}).get("row", {})
    for path, texts in flatten_errors(refusal.errors or {}):
        match path:
            case ("row", number, *rest):
                column = str(rest[0]) if rest else ""
                value = sent.get(number, {}).get(column)
                yield {"row": number, "column": column, "value": value, "message": " ".join(map(translate, texts))}


def _page(receipt_id: int, item_id: int, **values: Any) -> str:
    item = packing_list.find_item(receipt_id, item_id)
    return render_template(
        "admin/roll_upload_show.html",
        receipt=receipts.find_header(receipt_id),
        item=item,
        fabric=masters.find(masters.FABRICS, item.fabric_id),
        typed=request.form,
        max_rows=MAX_ROLLS,
        **values,
    )
