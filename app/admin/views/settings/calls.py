"""``/admin/settings/api/logs``: log of API calls with caller, path, status, duration and IP address."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint
from werkzeug.wrappers import Response

from app.accounts import call_log
from app.accounts.guards import SETTINGS, requires
from app.accounts.models.accounts import ApiCall
from app.accounts.ownership import scope
from app.admin.list_query import parse_filters
from app.admin.lists.columns import Details
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import CALLS

blp = Blueprint("calls", __name__, url_prefix="/settings/api/logs")

_METHODS = [(method, method) for method in call_log.METHODS]
_SUCCESS, _CLIENT_ERROR, _SERVER_ERROR = 200, 400, 500


@blp.get("")
@requires(SETTINGS)
def index() -> str | Response:
    """Calls of the viewer; an administrator sees all calls."""
    filters = parse_filters(call_log.CallQuery(exclude=("page_size", "cursor")))
    source = call_log.source(filters.values, scope=scope())
    return show_list("admin/calls_list.html", CALLS, source, filters, details=_callers, methods=_METHODS, tone=tone)


def _callers(rows: Sequence[ApiCall]) -> Details:
    return {"callers": call_log.credential_names({call.credential for call in rows})}


def tone(status: int) -> str:
    """Tone (colour) of an HTTP status."""
    if status >= _SERVER_ERROR:
        return "bad"
    if status >= _CLIENT_ERROR:
        return "warn"
    return "good" if status >= _SUCCESS else "plain"
