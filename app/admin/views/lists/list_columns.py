"""``/admin/lists/<name>/columns``: the columns that the viewer wants in a list."""

from __future__ import annotations

from flask import Blueprint, g, redirect, request
from werkzeug.wrappers import Response

from app.accounts import users
from app.accounts.guards import SIGNED_IN, requires
from app.admin.error_pages import own_page
from app.admin.helpers import SEE_OTHER
from app.admin.lists.columns import find_table

blp = Blueprint("list_columns", __name__, url_prefix="/lists")


@blp.post("/<name>/columns")
@requires(SIGNED_IN)
def choose(name: str) -> Response:
    """Store the choice of the viewer, or forget it, and go back to the list."""
    table, sent = find_table(name), set(request.form.getlist("columns"))
    chosen = [column.name for column in table.columns if column.name in sent]
    users.choose_list_columns(g.user, name, None if "reset" in request.form else chosen)
    return redirect(own_page(request.form.get("back", "")), SEE_OTHER)
