"""``/admin/receipts/…/associations``: the fabric of an item goes to styles, with the balance before and after."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.audit_log import entries as audit_entries
from app.accounts.audit_log.schemas import AuditSearchQuery
from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.accounts.principals import authenticate
from app.admin.forms.goods import association_table
from app.admin.forms.goods.association_table import AssociationLine
from app.admin.forms.number_input import separators
from app.admin.helpers import redirect_with_success, submitted_version
from app.extensions import db
from app.grn import master_names, masters
from app.grn.ledgers import association_lines
from app.grn.ledgers import service as ledgers
from app.grn.receipts import packing_list
from app.grn.receipts import service as receipts
from app.grn.schemas.filters import MasterQuery
from app.grn.schemas.ledgers import AssociationSchema
from app.kernel.errors import Conflict, Invalid, Unprocessable
from app.kernel.messages import N_
from app.kernel.pagination.limits import MAX_PAGE_SIZE

blp = Blueprint("associations", __name__, url_prefix="/receipts/<int:receipt_id>/items/<int:item_id>/associations")

#: Changes that the history shows.
_SHOWN = 20


class ChangedAssociations(Conflict):
    message = N_("Not saved: the associations were changed after you opened them.")


@blp.get("")
@requires("grn:write")
def show(receipt_id: int, item_id: int) -> str:
    """The associations of the item, and the lines of an order that it can be associated to."""
    item = packing_list.find_item(receipt_id, item_id)
    rows = association_lines.stored_rows(item_id)
    order, style = request.args.get("order", "").strip(), request.args.get("style", "").strip()
    ids = master_names.find_ids(masters.ORDERS, order) if order else [item.order_id] if item.order_id else []
    lines, is_cut = association_table.offered_lines(rows, ids[0] if len(ids) == 1 else None, style)
    errors = [_order_error(order, len(ids))] if order and len(ids) != 1 else []
    version = association_lines.version_of(rows)
    return _page(receipt_id, item_id, lines, version=version, is_cut=is_cut, errors=errors)


@blp.post("")
@requires("grn:write")
def save(receipt_id: int, item_id: int) -> Response | tuple[str, int]:
    """Replace the associations; a negative balance has to be confirmed."""
    receipts.lock(receipt_id)
    rows = association_lines.stored_rows(item_id)
    lines = association_table.submitted_lines(request.form)
    chosen = association_table.chosen_lines(lines)
    values: dict[str, Any] = {"version": submitted_version()}
    present = association_lines.version_of(rows)
    if values["version"] != present:
        errors = [gettext(ChangedAssociations.message)]
        return _page(receipt_id, item_id, lines, **values, newer=present, errors=errors), ChangedAssociations.status
    try:
        entries = _load(association_table.payload(chosen, rows))
        after = _balance_after(receipt_id, item_id, association_table.total(entries))
        if after < 0 and "confirmed" not in request.form:
            return _page(receipt_id, item_id, lines, **values, negative=after), Unprocessable.status
        with db.session.begin_nested():
            ledgers.replace_associations(receipt_id, item_id, entries, author=authenticate().name, actor=actor())
    except Invalid as refusal:
        errors = association_table.add_errors(chosen, refusal)
        return _page(receipt_id, item_id, lines, **values, errors=errors), Unprocessable.status
    message = gettext("The associations are stored.")
    return redirect_with_success(message, "admin.associations.show", receipt_id=receipt_id, item_id=item_id)


def _load(payload: list[dict[str, Any]]) -> list[dict[str, Any]]:
    schema = AssociationSchema(many=True)
    faults = schema.validate(payload)
    if faults:
        raise Invalid(faults)
    loaded: list[dict[str, Any]] = schema.load(payload)
    return loaded


def _balance_after(receipt_id: int, item_id: int, qty: Decimal) -> Decimal:
    balance = ledgers.item_balance(receipt_id, item_id)
    after: Decimal = balance["balance"] + balance["associated"] - qty
    return after


def _order_error(name: str, count: int) -> str:
    if count:
        return str(gettext("Several have the name “%(name)s”. Type the code.", name=name))
    return str(gettext("Nothing has the name or code “%(name)s”.", name=name))


def _page(receipt_id: int, item_id: int, lines: Sequence[AssociationLine], **values: Any) -> str:
    item = packing_list.find_item(receipt_id, item_id)
    decimal, group = separators()
    query = AuditSearchQuery().load({"subject": f"fabric_item:{item_id}", "page_size": _SHOWN})
    orders = masters.find_page(masters.ORDERS, MasterQuery().load({"sort": "name,asc", "pageSize": MAX_PAGE_SIZE}))
    return render_template(
        "admin/associations_show.html",
        receipt=receipts.find_header(receipt_id),
        item=item,
        fabric=masters.find(masters.FABRICS, item.fabric_id),
        balance=ledgers.item_balance(receipt_id, item_id),
        lines=lines,
        orders=orders.content,
        separators={"decimal": decimal, "group": group},
        history=audit_entries.search(query, scope=None),
        **values,
    )
