"""``/admin/receipts``: list, detail pages of receipts and fabric items, inspection of a roll, PDFs, deletion."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.accounts.principals import authenticate
from app.admin.forms import inspection_row
from app.admin.forms.inspection_row import InspectionRow, stored_row
from app.admin.helpers import redirect_with_success
from app.admin.list_query import parse_filters
from app.admin.lists import receipt_tables
from app.admin.lists.list_view import show_list
from app.grn import masters
from app.grn.ledgers import service as ledgers
from app.grn.models.papers import Paper
from app.grn.papers import service as papers
from app.grn.receipts import packing_list
from app.grn.receipts import service as receipts
from app.grn.schemas.filters import LedgerQuery, ReceiptQuery
from app.kernel.errors import Unprocessable
from app.kernel.pagination.limits import MAX_PAGE_SIZE
from app.kernel.schemas.fields import Schema
from app.pdf import files

blp = Blueprint("receipts", __name__, url_prefix="/receipts")
_ITEM = "/<int:receipt_id>/items/<int:item_id>"


@blp.get("")
@requires("grn:read")
def index() -> str | Response:
    """Receipts that match the filters, newest first."""
    filters = parse_filters(ReceiptQuery(exclude=("sort", "page", "page_size")))
    return show_list(
        "admin/receipts_list.html",
        receipt_tables.RECEIPTS,
        receipts.source(filters.values),
        filters,
        details=receipt_tables.details,
        steps=receipt_tables.steps(),
    )


@blp.get("/<int:receipt_id>")
@requires("grn:read")
def show(receipt_id: int) -> str:
    """One receipt with its fabric items."""
    receipt = receipts.find_header(receipt_id)
    items = receipt.fabric_items
    return render_template(
        "admin/receipts_show.html",
        receipt=receipt,
        supplier=masters.find(masters.SUPPLIERS, receipt.supplier_id),
        fabrics=masters.find_names(masters.FABRICS, [item.fabric_id for item in items]),
        balances={item.id: ledgers.item_balance(receipt_id, item.id) for item in items},
        papers=papers.find(receipt_id),
        may_write="grn:write" in authenticate().abilities,
    )


@blp.get("/<int:receipt_id>/<any(note, labels):kind>.pdf")
@requires("grn:read")
def paper(receipt_id: int, kind: str) -> Response:
    """PDF of the goods receipt note or of the roll labels."""
    return files.send_pdf(papers.stored_paper(receipt_id, Paper(kind)), download="download" in request.args)


@blp.post("/<int:receipt_id>/<any(note, labels):kind>/reprint")
@requires("grn:write")
def reprint(receipt_id: int, kind: str) -> Response:
    """Create the PDF of the note or of the labels again."""
    papers.reprint(receipt_id, Paper(kind))
    message = gettext("The PDF is being created again.")
    return redirect_with_success(message, "admin.receipts.show", receipt_id=receipt_id)


@blp.post("/<int:receipt_id>/delete")
@requires("grn:write")
def delete(receipt_id: int) -> Response:
    """Delete a receipt with its items, rolls and ledger rows."""
    number = receipts.find_header(receipt_id).invoice_no
    receipts.delete_receipt(receipt_id, actor=actor())
    return redirect_with_success(gettext("Goods receipt %(number)s is deleted.", number=number), "admin.receipts.index")


@blp.get(_ITEM)
@requires("grn:read")
def item(receipt_id: int, item_id: int) -> str | Response:
    """One fabric item with its packing list, its ledger and its balance."""
    found = packing_list.find_item(receipt_id, item_id)
    ledger_page = {**parse_filters(LedgerQuery()).values, "page": 0, "page_size": MAX_PAGE_SIZE}
    return show_list(
        "admin/receipts_item.html",
        receipt_tables.ROLLS,
        packing_list.roll_source(receipt_id, item_id),
        parse_filters(Schema()),
        receipt=receipts.find_header(receipt_id),
        item=found,
        fabric=masters.find(masters.FABRICS, found.fabric_id),
        rows=ledgers.find_rows(receipt_id, item_id, ledger_page),
        balance=ledgers.item_balance(receipt_id, item_id),
        inspected=packing_list.count_inspected(item_id),
        may_write="grn:write" in authenticate().abilities,
    )


@blp.get(f"{_ITEM}/rolls/<int:roll_id>")
@requires("grn:read")
def roll(receipt_id: int, item_id: int, roll_id: int) -> str:
    """A roll, with the form for its inspection."""
    return _roll_page(receipt_id, stored_row(packing_list.find_roll(receipt_id, item_id, roll_id)))


@blp.post(f"{_ITEM}/rolls/<int:roll_id>")
@requires("grn:write")
def inspect(receipt_id: int, item_id: int, roll_id: int) -> Response | tuple[str, int]:
    """Store the findings of an inspection; an empty field means that the supplier's value applies."""
    row = inspection_row.save(receipt_id, item_id, roll_id, request.form, actor=actor())
    if row.needs_answer:
        return _roll_page(receipt_id, row), Unprocessable.status
    message = gettext("Roll %(number)s is inspected.", number=row.roll.supplier_roll_no)
    return redirect_with_success(message, "admin.receipts.item", receipt_id=receipt_id, item_id=item_id)


def _roll_page(receipt_id: int, row: InspectionRow) -> str:
    item = row.roll.item
    return render_template(
        "admin/receipts_roll.html",
        receipt=receipts.find_header(receipt_id),
        item=item,
        fabric=masters.find(masters.FABRICS, item.fabric_id),
        row=row,
        columns=inspection_row.columns(item),
        may_write="grn:write" in authenticate().abilities,
    )
