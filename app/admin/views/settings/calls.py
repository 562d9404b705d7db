"""``/admin/settings/api/logs``: log of API calls with caller, path, status, duration and IP address."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts import call_log
from app.accounts.guards import SETTINGS, requires
from app.accounts.ownership import scope
from app.admin.list_query import parse_filters

blp = Blueprint("calls", __name__, url_prefix="/settings/api/logs")

_METHODS = [(method, method) for method in call_log.METHODS]
_SUCCESS, _CLIENT_ERROR, _SERVER_ERROR = 200, 400, 500


@blp.get("")
@requires(SETTINGS)
def index() -> str:
    """Calls of the viewer; an administrator sees all calls."""
    filters = parse_filters(call_log.CallQuery())
    found = call_log.search(filters.values, scope=scope())
    return render_template("admin/calls_list.html", found=found, filters=filters, methods=_METHODS, tone=tone)


def tone(status: int) -> str:
    """Tone (colour) of an HTTP status."""
    if status >= _SERVER_ERROR:
        return "bad"
    if status >= _CLIENT_ERROR:
        return "warn"
    return "good" if status >= _SUCCESS else "plain"
