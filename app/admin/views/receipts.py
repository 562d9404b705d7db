"""Goods receipts: found, read with their fabric items, rolls and ledgers, inspected and deleted."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from marshmallow import ValidationError
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.accounts.principals import authenticate
from app.admin.list_query import link, parse_filters
from app.grn import masters
from app.grn.ledgers import service as ledgers
from app.grn.models.papers import Paper
from app.grn.papers import service as papers
from app.grn.receipts import packing_list
from app.grn.receipts import service as receipts
from app.grn.schemas.filters import LedgerQuery, ReceiptQuery
from app.grn.schemas.pagination import Page, PageQuery
from app.grn.schemas.receipts import InspectionSchema
from app.kernel.errors import Invalid
from app.kernel.pagination.limits import MAX_PAGE_SIZE
from app.pdf import files

_SEE_OTHER = 303
blp = Blueprint("receipts", __name__, url_prefix="/receipts")
_ITEM = "/<int:receipt_id>/items/<int:item_id>"
#: What an inspection may say, as its form names it; all but the shade are quantities.
FINDINGS = ("length", "width", "weight", "gsm", "blanketQty", "shade")


@blp.get("")
@requires("grn:read")
def index() -> str:
    """Receipts, newest first, narrowed by filters."""
    question = parse_filters(ReceiptQuery())
    page = receipts.find_page(question.values)
    names = masters.find_names(masters.SUPPLIERS, [receipt.supplier_id for receipt in page.content])
    return render_template(
        "admin/receipts_list.html", page=page, asked=question, suppliers=names, following=_following(page)
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
    """The receipt's note or the labels of its rolls."""
    return files.send_pdf(papers.stored_paper(receipt_id, Paper(kind)), download="download" in request.args)


@blp.post("/<int:receipt_id>/<any(note, labels):kind>/reprint")
@requires("grn:write")
def reprint(receipt_id: int, kind: str) -> Response:
    """Have the note or the labels made again."""
    papers.reprint(receipt_id, Paper(kind))
    flash(gettext("The PDF is being made again."), "good")
    return redirect(url_for("admin.receipts.show", receipt_id=receipt_id), _SEE_OTHER)


@blp.post("/<int:receipt_id>/delete")
@requires("grn:write")
def delete(receipt_id: int) -> Response:
    """Delete a receipt with its items, rolls and ledger rows."""
    number = receipts.find_header(receipt_id).invoice_no
    receipts.delete_receipt(receipt_id, actor=actor())
    flash(gettext("Receipt %(number)s is deleted.", number=number), "good")
    return redirect(url_for("admin.receipts.index"), _SEE_OTHER)


@blp.get(_ITEM)
@requires("grn:read")
def item(receipt_id: int, item_id: int) -> str:
    """One fabric item with its packing list, its ledger and its balance."""
    question = parse_filters(PageQuery())
    found = packing_list.find_item(receipt_id, item_id)
    rolls = packing_list.find_rolls(receipt_id, item_id, question.values)
    first = {**parse_filters(LedgerQuery()).values, "page": 0, "page_size": MAX_PAGE_SIZE}
    return render_template(
        "admin/receipts_item.html",
        receipt=receipts.find_header(receipt_id),
        item=found,
        fabric=masters.find(masters.FABRICS, found.fabric_id),
        rolls=rolls,
        following=_following(rolls),
        rows=ledgers.find_rows(receipt_id, item_id, first),
        balance=ledgers.item_balance(receipt_id, item_id),
        may_write="grn:write" in authenticate().abilities,
    )


@blp.get(f"{_ITEM}/rolls/<int:roll_id>")
@requires("grn:write")
def roll(receipt_id: int, item_id: int, roll_id: int) -> str:
    """The form for what the inspection of a roll finds."""
    found = packing_list.find_roll(receipt_id, item_id, roll_id)
    return render_template("admin/receipts_roll.html", receipt_id=receipt_id, item=found.item, roll=found)


@blp.post(f"{_ITEM}/rolls/<int:roll_id>")
@requires("grn:write")
def inspect(receipt_id: int, item_id: int, roll_id: int) -> Response:
    """Write down what was found; a field that was emptied falls back to what the supplier says."""
    sent = {name: request.form.get(name, "").strip() or None for name in FINDINGS}
    try:
        findings: dict[str, Any] = InspectionSchema().load(sent)
    except ValidationError as error:
        raise Invalid(error.messages_dict) from error
    done = packing_list.inspect(receipt_id, item_id, roll_id, findings)
    flash(gettext("Roll %(number)s is inspected.", number=done.supplier_roll_no), "good")
    return redirect(url_for("admin.receipts.item", receipt_id=receipt_id, item_id=item_id), _SEE_OTHER)


def _following(page: Page) -> str | None:
    """The address of the next page of the present list."""
    if page.number + 1 >= page.total_pages:
        return None
    return link(page=page.number + 1)
