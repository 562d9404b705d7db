"""Deliveries of webhooks: searched, read with every attempt, sent again; and who was told of an invoice."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.ownership import actor, scope
from app.admin.list_query import link, parse_filters
from app.admin.viewer import viewer
from app.webhooks.access import requires_webhooks
from app.webhooks.deliveries import queries, replay
from app.webhooks.endpoints import service as endpoints_service
from app.webhooks.models.deliveries import STATES, Delivery
from app.webhooks.schemas.deliveries import DeliveryQuery

_SEE_OTHER = 303
_TOLD, _CHOICES = 50, 100
blp = Blueprint("deliveries", __name__, url_prefix="/settings/webhooks/deliveries")


@blp.get("")
@requires_webhooks
def index() -> str:
    """Deliveries, newest first, narrowed by filters."""
    question = parse_filters(DeliveryQuery())
    page = queries.find_page(question.values, scope())
    following = page["meta"]["next_cursor"]
    endpoints = endpoints_service.find_page({"per_page": _CHOICES}, scope())["data"]
    return render_template(
        "admin/deliveries_list.html",
        deliveries=page["data"],
        following=link(cursor=str(following)) if following else None,
        asked=question,
        states=STATES,
        endpoints=[(str(endpoint.id), endpoint.description or endpoint.url) for endpoint in endpoints],
    )


@blp.get("/<int:delivery_id>")
@requires_webhooks
def show(delivery_id: int) -> str:
    """One delivery: each request exactly as it went out, and what came back."""
    return render_template("admin/deliveries_show.html", delivery=queries.find(delivery_id, scope()))


@blp.post("/<int:delivery_id>/redeliver")
@requires_webhooks
def redeliver(delivery_id: int) -> Response:
    """Send it again."""
    replay.redeliver(delivery_id, scope(), actor=actor())
    flash(gettext("It is being sent again."), "good")
    return redirect(url_for("admin.deliveries.show", delivery_id=delivery_id), _SEE_OTHER)


def recent_deliveries(events: str, subject_id: int) -> Sequence[Delivery]:
    """Who was told of a subject, newest first; nothing for a viewer who may not know."""
    known = viewer()
    if known is None or not known.may_open("admin.deliveries.index"):
        return ()
    found: Sequence[Delivery] = queries.find_page(
        {"event": events, "subject_id": subject_id, "per_page": _TOLD}, scope()
    )["data"]
    return found
