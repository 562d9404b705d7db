"""``/admin/receipts/…/labels``: labels of chosen rolls, on A4 sheets from any place on, or on thermal labels."""

from __future__ import annotations

import re
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.admin.error_pages import error_text
from app.admin.helpers import redirect_to
from app.admin.list_query import numbered_pages, parse_filters
from app.grn import masters
from app.grn.errors import BadFields
from app.grn.papers import label_prints
from app.grn.receipts import packing_list
from app.grn.receipts import service as receipts
from app.grn.schemas.pagination import PageQuery
from app.grn.schemas.receipts import MAX_ROLLS
from app.kernel.database.sequences import read_id
from app.kernel.errors import Unprocessable
from app.kernel.identifiers import clean_identifier
from app.kernel.pagination.limits import MAX_PAGE_SIZE
from app.pdf import files
from app.pdf.labels.sheets import LABELS_PER_SHEET, LabelPaper

blp = Blueprint("labels", __name__, url_prefix="/receipts/<int:receipt_id>/items/<int:item_id>/labels")


@blp.get("")
@requires("grn:read")
def show(receipt_id: int, item_id: int) -> str:
    """The rolls of the item to choose from, and the papers."""
    return _page(receipt_id, item_id)


@blp.post("")
@requires("grn:read")
def create(receipt_id: int, item_id: int) -> Response | tuple[str, int]:
    """Print the labels of the chosen rolls."""
    form = request.form
    paper = LabelPaper.THERMAL if form.get("paper") == LabelPaper.THERMAL else LabelPaper.A4
    start = form.get("start", "").strip()
    try:
        place = int(start) if start.isascii() and start.isdigit() and len(start) <= len(str(LABELS_PER_SHEET)) else 0
        made = label_prints.create(
            receipt_id, item_id, _chosen_rolls(item_id), paper, place if paper == LabelPaper.A4 else 1
        )
    except BadFields as refusal:
        return _page(receipt_id, item_id, error=error_text(refusal)), Unprocessable.status
    return redirect_to("admin.labels.result", receipt_id=receipt_id, item_id=item_id, print_id=made.id)


@blp.get("/<int:print_id>")
@requires("grn:read")
def result(receipt_id: int, item_id: int, print_id: int) -> str:
    """The labels, as soon as they are rendered."""
    return render_template(
        "admin/labels_result.html", **_values(receipt_id, item_id), made=label_prints.find(receipt_id, print_id)
    )


@blp.get("/<int:print_id>.pdf")
@requires("grn:read")
def pdf(receipt_id: int, item_id: int, print_id: int) -> Response:
    """The labels as PDF."""
    packing_list.find_item(receipt_id, item_id)
    return files.send_pdf(label_prints.stored_print(receipt_id, print_id), download="download" in request.args)


def _chosen_rolls(item_id: int) -> list[int]:
    """The rolls that are ticked, and those whose numbers are typed or scanned; all if nothing is chosen."""
    ticked = [row_id for text in request.form.getlist("roll") if (row_id := read_id(text))][:MAX_ROLLS]
    numbers = [clean_identifier(text) for text in re.split(r"[\n,;]", request.form.get("numbers", ""))]
    typed = [number for number in numbers if number][:MAX_ROLLS]
    if not ticked and not typed:
        return label_prints.roll_ids_of(item_id)
    found = label_prints.roll_ids_of(item_id, typed) if typed else []
    return list(dict.fromkeys([*ticked, *found]))


def _page(receipt_id: int, item_id: int, **values: Any) -> str:
    paging = {**parse_filters(PageQuery()).values, "page_size": MAX_PAGE_SIZE}
    rolls = packing_list.find_rolls(receipt_id, item_id, paging)
    return render_template(
        "admin/labels_show.html",
        **_values(receipt_id, item_id),
        rolls=rolls,
        pages=numbered_pages(rolls.number, rolls.total_pages),
        typed=request.form,
        ticked=set(request.form.getlist("roll")),
        places=LABELS_PER_SHEET,
        **values,
    )


def _values(receipt_id: int, item_id: int) -> dict[str, Any]:
    item = packing_list.find_item(receipt_id, item_id)
    return {
        "receipt": receipts.find_header(receipt_id),
        "item": item,
        "fabric": masters.find(masters.FABRICS, item.fabric_id),
    }
