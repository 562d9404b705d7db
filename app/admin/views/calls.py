"""``/admin/settings/api/logs``: who called what, with which outcome, how long it took, from where."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts import call_log
from app.accounts.guards import SETTINGS, requires
from app.accounts.ownership import scope
from app.admin.list_query import parse_filters

blp = Blueprint("calls", __name__, url_prefix="/settings/api/logs")

_METHODS = [(method, method) for method in call_log.METHODS]
_SUCCESS, _CLIENTS_FAULT, _OUR_FAULT = 200, 400, 500


@blp.get("")
@requires(SETTINGS)
def show() -> str:
    """The viewer's calls; an administrator sees everybody's."""
    query = parse_filters(call_log.CallQuery())
    found = call_log.search(query.values, scope=scope())
    return render_template("admin/calls.html", found=found, asked=query, method_pairs=_METHODS, tone=tone)


def tone(status: int) -> str:
    """The colour of a status."""
    if status >= _OUR_FAULT:
        return "bad"
    if status >= _CLIENTS_FAULT:
        return "warn"
    return "good" if status >= _SUCCESS else "plain"
