"""``/admin/receipts/new`` and ``…/edit``: a goods receipt with its fabric items, typed by hand."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from flask_babel import gettext
from marshmallow import Schema
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.admin.forms.receipt_form import ReceiptForm, new_form, new_item, stored_form, submitted_form
from app.admin.helpers import load_data, redirect_with_success, submitted_version
from app.extensions import db
from app.grn import masters
from app.grn.models.columns import LengthUnit, WidthUnit
from app.grn.models.receipts import GoodsReceipt
from app.grn.receipts import service as receipts
from app.grn.schemas.filters import MasterQuery
from app.grn.schemas.receipts import MAX_ITEMS, NewReceiptSchema, ReceiptChangeSchema, ReceiptSchema
from app.kernel import clock, json
from app.kernel.errors import Conflict, Invalid, Unprocessable
from app.kernel.messages import N_
from app.kernel.pagination.limits import MAX_PAGE_SIZE

blp = Blueprint("receipt_editor", __name__, url_prefix="/receipts")


class ChangedReceipt(Conflict):
    message = N_("Not saved: the receipt was changed after you opened it.")


@blp.get("/new")
@requires("grn:write")
def new() -> str:
    """An empty form."""
    return _page(_with_items(new_form()), None)


@blp.post("/new")
@requires("grn:write")
def create() -> str | Response | tuple[str, int]:
    """Create a receipt; the buttons that add and remove a fabric item only show the form again."""
    form = submitted_form(request.form)
    if (focus := _changed_items(form)) is not None:
        return _page(form, None, focus=focus)
    return _submit(form, {}, NewReceiptSchema(), functools.partial(receipts.receive, actor=actor()), None)


@blp.get("/<int:receipt_id>/edit")
@requires("grn:write")
def edit(receipt_id: int) -> str:
    """The form of a stored receipt."""
    receipt = receipts.find_header(receipt_id)
    return _page(_with_items(stored_form(receipt)), receipt)


@blp.post("/<int:receipt_id>/edit")
@requires("grn:write")
def change(receipt_id: int) -> str | Response | tuple[str, int]:
    """Change a receipt; the rolls of fabric items that stay are kept."""
    form = submitted_form(request.form)
    receipts.lock(receipt_id)
    receipt = receipts.find(receipt_id)
    if (focus := _changed_items(form)) is not None:
        return _page(form, receipt, focus=focus)
    present = clock.iso(receipt.updated_at)
    if submitted_version() != present:
        form.add_errors(ChangedReceipt())
        return _page(form, receipt, newer=present), ChangedReceipt.status
    stored = json.decode(json.encode(ReceiptSchema().dump(receipt)))
    return _submit(
        form, stored, ReceiptChangeSchema(), functools.partial(receipts.change, receipt_id, actor=actor()), receipt
    )


def _submit(
    form: ReceiptForm,
    stored: dict[str, Any],
    schema: Schema,
    action: Callable[[dict[str, Any]], GoodsReceipt],
    receipt: GoodsReceipt | None,
) -> str | Response | tuple[str, int]:
    payload = form.payload(stored)
    try:
        data = load_data(schema, payload)
        if not form.has_errors:
            with db.session.begin_nested():
                saved = action(data)
            message = gettext("Goods receipt %(number)s is stored.", number=saved.invoice_no)
            return redirect_with_success(message, "admin.receipts.show", receipt_id=saved.id)
    except (Invalid, Conflict) as refusal:
        form.add_errors(refusal)
    return _page(form, receipt and receipts.find_header(receipt.id)), Unprocessable.status


def _changed_items(form: ReceiptForm) -> int | None:
    """Add or remove the fabric item that a button names, and return the number of the item to go on with.

    None if no button names one: then the form is to be stored.
    """
    if "add" in request.form:
        if len(form.items) < MAX_ITEMS:
            form.items.append(new_item())
        return len(form.items)
    removed = request.form.get("remove")
    if removed is None:
        return None
    at = next((position for position in range(len(form.items)) if str(position) == removed), len(form.items))
    del form.items[at : at + 1]
    return min(at + 1, len(form.items))


def _with_items(form: ReceiptForm) -> ReceiptForm:
    """The form with the fabric items that its address names: ids of stored ones, and nothing for a new one."""
    wanted = request.args.getlist("item")[:MAX_ITEMS]
    if wanted:
        stored = {item.item_id: item for item in form.items if item.item_id}
        form.items[:] = [stored.pop(item_id) if item_id in stored else new_item() for item_id in wanted]
    return form


def _page(form: ReceiptForm, receipt: GoodsReceipt | None, newer: str | None = None, focus: int = 0) -> str:
    """The form; the focus is on the first field of the fabric item of this number, or of the receipt."""
    query = MasterQuery().load({"sort": "name,asc", "pageSize": MAX_PAGE_SIZE})
    kinds = {"suppliers": masters.SUPPLIERS, "fabrics": masters.FABRICS, "orders": masters.ORDERS}
    kept = {item.item_id for item in form.items}
    removed = [item for item in (receipt.fabric_items if receipt else ()) if str(item.id) not in kept]
    return render_template(
        "admin/receipt_editor_show.html",
        lost_rolls=sum(item.roll_count for item in removed),
        form=form,
        receipt=receipt,
        newer=newer,
        focus=focus,
        address=f"{request.path}?{urlencode([('item', item.item_id) for item in form.items])}",
        version=submitted_version() or (clock.iso(receipt.updated_at) if receipt else ""),
        options={name: masters.find_page(kind, query).content for name, kind in kinds.items()},
        length_units=list(LengthUnit),
        width_units=list(WidthUnit),
    )
