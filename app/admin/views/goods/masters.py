"""``/admin/masters``: suppliers, fabrics, products and orders: list, search, addition, change and deletion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.accounts.ownership import actor
from app.accounts.principals import authenticate
from app.admin.forms.goods import master_form
from app.admin.forms.goods.master_form import PAGES, MasterForm, MasterPage
from app.admin.helpers import load_data, redirect_with_success, submitted_version
from app.admin.list_query import parse_filters
from app.admin.lists import list_view, master_tables
from app.extensions import db
from app.grn import masters
from app.grn.ledgers import service as ledgers
from app.grn.schemas.filters import BalanceQuery, MasterQuery
from app.kernel import json
from app.kernel.errors import Conflict, Invalid, Unprocessable
from app.kernel.messages import N_
from app.kernel.pagination.limits import MAX_PAGE_SIZE

_KIND = f"/<any({', '.join(PAGES)}):name>"
blp = Blueprint("masters", __name__, url_prefix="/masters")


class ChangedMaster(Conflict):
    message = N_("Not saved: somebody else changed it after you opened it.")


@blp.get("")
@requires("grn:read")
def index() -> str | Response:
    """The suppliers."""
    return _list("suppliers")


@blp.get(_KIND)
@requires("grn:read")
def show_list(name: str) -> str | Response:
    """All rows of a kind that match the search, by name."""
    return _list(name)


@blp.get(f"{_KIND}/new")
@requires("grn:write")
def new(name: str) -> str:
    """An empty form."""
    return _form_page(name, master_form.new_form(PAGES[name]))


@blp.post(f"{_KIND}/new")
@requires("grn:write")
def create(name: str) -> str | Response | tuple[str, int]:
    """Add a row."""
    form = master_form.submitted_form(PAGES[name], request.form)
    return _submit(name, form, {}, lambda data: masters.create(PAGES[name].kind, data, actor=actor()))


@blp.get(f"{_KIND}/<int:row_id>")
@requires("grn:read")
def show(name: str, row_id: int) -> str:
    """One row, as a form for those who may change it."""
    page = PAGES[name]
    body = _body(page, row_id)
    return _form_page(name, master_form.stored_form(page, body), row_id, master_form.version_of(body))


@blp.post(f"{_KIND}/<int:row_id>")
@requires("grn:write")
def change(name: str, row_id: int) -> str | Response | tuple[str, int]:
    """Change a row; nothing is stored if somebody else changed it since it was opened."""
    page = PAGES[name]
    form = master_form.submitted_form(page, request.form)
    masters.lock(page.kind, row_id)
    body = _body(page, row_id)
    present = master_form.version_of(body)
    if submitted_version() != present:
        form.add_errors(ChangedMaster())
        return _form_page(name, form, row_id, submitted_version(), newer=present), ChangedMaster.status
    return _submit(name, form, body, lambda data: masters.change(page.kind, row_id, data, actor=actor()), row_id)


@blp.post(f"{_KIND}/<int:row_id>/delete")
@requires("grn:write")
def delete(name: str, row_id: int) -> Response:
    """Delete a row that no other row refers to."""
    title = masters.find(PAGES[name].kind, row_id).name
    masters.remove(PAGES[name].kind, row_id, actor=actor())
    return redirect_with_success(gettext("“%(name)s” is deleted.", name=title), "admin.masters.show_list", name=name)


def _submit(
    name: str,
    form: MasterForm,
    body: dict[str, Any],
    action: Callable[[dict[str, Any]], Any],
    row_id: int | None = None,
) -> str | Response | tuple[str, int]:
    payload = form.payload(body)
    try:
        data = load_data(PAGES[name].schema(), payload)
        if not form.has_errors:
            with db.session.begin_nested():
                saved = action(data)
            message = gettext("“%(name)s” is stored.", name=saved.name)
            return redirect_with_success(message, "admin.masters.show_list", name=name)
    except (Invalid, Conflict) as refusal:
        form.add_errors(refusal)
    return _form_page(name, form, row_id, submitted_version()), Unprocessable.status


def _body(page: MasterPage, row_id: int) -> dict[str, Any]:
    """A row as the API shows it."""
    body: dict[str, Any] = json.decode(json.encode(page.schema().dump(masters.find(page.kind, row_id))))
    return body


def _list(name: str) -> str | Response:
    filters = parse_filters(MasterQuery(only=("search",)))
    return list_view.show_list(
        "admin/masters_list.html",
        master_tables.TABLES[name],
        masters.source(PAGES[name].kind, filters.values),
        filters,
        name=name,
        pages=PAGES,
        may_write="grn:write" in authenticate().abilities,
    )


def _form_page(
    name: str, form: MasterForm, row_id: int | None = None, version: str = "", newer: str | None = None
) -> str:
    query = {"sort": "name,asc", "pageSize": MAX_PAGE_SIZE}
    balances = BalanceQuery().load({"pageSize": MAX_PAGE_SIZE})
    return render_template(
        "admin/masters_form.html",
        name=name,
        form=form,
        page=form.page,
        row_id=row_id,
        version=version,
        newer=newer,
        blank=master_form.blank_line(form.page),
        products=masters.find_page(masters.PRODUCTS, MasterQuery().load(query)).content if name == "orders" else (),
        balances=ledgers.fabric_balances(row_id, balances).content if name == "fabrics" and row_id else (),
        may_write="grn:write" in authenticate().abilities,
    )
