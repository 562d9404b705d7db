"""``/admin/receipts/…/inspection``: the rolls of a fabric item as a table of inputs, inspected one after another."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.admin.forms import inspection_row
from app.admin.forms.inspection_row import InspectionRow, stored_row
from app.admin.forms.number_input import separators
from app.admin.helpers import redirect_with_success
from app.admin.list_query import numbered_pages, parse_filters
from app.grn import masters
from app.grn.receipts import packing_list
from app.grn.receipts import service as receipts
from app.grn.schemas.pagination import PageQuery
from app.kernel.errors import Unprocessable
from app.kernel.pagination.limits import MAX_PAGE_SIZE

blp = Blueprint("inspection_desk", __name__, url_prefix="/receipts/<int:receipt_id>/items/<int:item_id>/inspection")


@blp.get("")
@requires("grn:write")
def show(receipt_id: int, item_id: int) -> str:
    """All rolls of the item, with their findings as inputs."""
    return _page(receipt_id, item_id)


@blp.post("/<int:roll_id>")
@requires("grn:write")
def save(receipt_id: int, item_id: int, roll_id: int) -> str | Response | tuple[str, int]:
    """Store the findings of one roll; the script of the page gets the row, any other browser the page."""
    row = inspection_row.save(receipt_id, item_id, roll_id, request.form, actor=actor())
    if "HX-Request" in request.headers:
        item = packing_list.find_item(receipt_id, item_id)
        return render_template("admin/cards/inspection_answer.html", row=row, **_values(receipt_id, item_id, item))
    if row.needs_answer:
        return _page(receipt_id, item_id, row), Unprocessable.status
    message = gettext("Roll %(number)s is inspected.", number=row.roll.supplier_roll_no)
    page = request.args.get("page")
    return redirect_with_success(
        message, "admin.inspection_desk.show", receipt_id=receipt_id, item_id=item_id, page=page
    )


def _page(receipt_id: int, item_id: int, refused: InspectionRow | None = None) -> str:
    item = packing_list.find_item(receipt_id, item_id)
    paging = {**parse_filters(PageQuery()).values, "page_size": MAX_PAGE_SIZE}
    rolls = packing_list.find_rolls(receipt_id, item_id, paging)
    rows = [refused if refused and refused.roll.id == roll.id else stored_row(roll) for roll in rolls.content]
    decimal, group = separators()
    return render_template(
        "admin/inspection_desk_show.html",
        receipt=receipts.find_header(receipt_id),
        fabric=masters.find(masters.FABRICS, item.fabric_id),
        rows=rows,
        pages=numbered_pages(rolls.number, rolls.total_pages),
        separators={"decimal": decimal, "group": group},
        limit=packing_list.FAR_OFF_PERCENT,
        **_values(receipt_id, item_id, item),
    )


def _values(receipt_id: int, item_id: int, item: Any) -> dict[str, Any]:
    inspected = packing_list.count_inspected(item_id)
    return {"receipt_id": receipt_id, "item": item, "inspected": inspected, "columns": inspection_row.columns(item)}
