"""``/admin/settings/webhooks/deliveries``: list of webhook deliveries, detail page with attempts, redelivery."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, render_template
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.ownership import actor, scope
from app.admin.helpers import redirect_with_success
from app.admin.i18n.labels import label
from app.admin.list_query import parse_filters
from app.admin.lists.list_view import show_list
from app.admin.lists.settings_tables import DELIVERIES
from app.admin.viewer import viewer
from app.webhooks.access import requires_webhooks
from app.webhooks.deliveries import queries, replay
from app.webhooks.endpoints import service as endpoints_service
from app.webhooks.models.deliveries import STATES, Delivery
from app.webhooks.schemas.deliveries import DeliveryQuery

_MAX_RECENT, _MAX_ENDPOINTS = 50, 100
blp = Blueprint("deliveries", __name__, url_prefix="/settings/webhooks/deliveries")


@blp.get("")
@requires_webhooks
def index() -> str | Response:
    """Deliveries that match the filters, newest first."""
    filters = parse_filters(DeliveryQuery(exclude=("per_page", "cursor")))
    endpoints = endpoints_service.find_page({"per_page": _MAX_ENDPOINTS}, scope())["data"]
    return show_list(
        "admin/deliveries_list.html",
        DELIVERIES,
        queries.source(filters.values, scope()),
        filters,
        states=[(state, label(f"delivery.{state}")) for state in STATES],
        endpoints=[(str(endpoint.id), endpoint.description or endpoint.url) for endpoint in endpoints],
    )


@blp.get("/<int:delivery_id>")
@requires_webhooks
def show(delivery_id: int) -> str:
    """One delivery with the request and the response of each attempt."""
    return render_template("admin/deliveries_show.html", delivery=queries.find(delivery_id, scope()))


@blp.post("/<int:delivery_id>/redeliver")
@requires_webhooks
def redeliver(delivery_id: int) -> Response:
    """Send a delivery again."""
    replay.redeliver(delivery_id, scope(), actor=actor())
    message = gettext("The delivery is being sent again.")
    return redirect_with_success(message, "admin.deliveries.show", delivery_id=delivery_id)


def recent_deliveries(events: str, subject_id: int) -> Sequence[Delivery]:
    """Latest deliveries about a subject (invoice or receipt); empty for a viewer without access to deliveries."""
    known = viewer()
    if known is None or not known.may_open("admin.deliveries.index"):
        return ()
    found: Sequence[Delivery] = queries.find_page(
        {"event": events, "subject_id": subject_id, "per_page": _MAX_RECENT}, scope()
    )["data"]
    return found
