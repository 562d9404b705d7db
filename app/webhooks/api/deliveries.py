"""``/api/v1/webhooks/deliveries``: search and read deliveries, send a delivery again."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.accounts.ownership import actor, scope
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.webhooks import samples
from app.webhooks.access import require_events, requires_webhooks
from app.webhooks.deliveries import queries, replay
from app.webhooks.errors import EventsNotReadable, OnItsWay, StillWaiting, UnknownDelivery, UnknownEndpoint
from app.webhooks.models.deliveries import Delivery
from app.webhooks.schemas.deliveries import (
    DeliveryQuery,
    WebhookDeliveryDetailSchema,
    WebhookDeliveryListSchema,
    WebhookDeliverySchema,
)

blp = ApiBlueprint(
    "Deliveries", __name__, url_prefix="/api/v1/webhooks/deliveries", description="Deliveries of events to endpoints."
)


@blp.route("")
class Deliveries(MethodView):
    @requires_webhooks
    @blp.arguments(DeliveryQuery, location="query")
    @blp.response(200, WebhookDeliveryListSchema, example=samples.DELIVERIES)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Search deliveries, newest first; deliveries of deleted endpoints are included."""
        return queries.find_page(query, scope())


@blp.route("/<int:delivery_id>")
class Detail(MethodView):
    @requires_webhooks
    @refuses(UnknownDelivery, EventsNotReadable)
    @blp.response(200, WebhookDeliveryDetailSchema, example=samples.DETAIL)
    def get(self, delivery_id: int) -> Delivery:
        """Read a delivery with every attempt: the exact request and the response."""
        delivery = queries.find(delivery_id, scope())
        require_events(delivery.event)
        return delivery


@blp.route("/<int:delivery_id>/redeliver")
class Redeliver(MethodView):
    @requires_webhooks
    @refuses(UnknownDelivery, UnknownEndpoint, EventsNotReadable, OnItsWay, StillWaiting)
    @blp.response(202, WebhookDeliverySchema, example=samples.DELIVERY)
    def post(self, delivery_id: int) -> Delivery:
        """Send a delivery again now: same id and bytes, new signature, with a full round of retries."""
        require_events(queries.find(delivery_id, scope()).event)
        return replay.redeliver(delivery_id, scope(), actor=actor())
