"""``/api/v1/webhooks/deliveries``: who was told what, when, with which answer; and sending one again."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.kernel.openapi import refuses
from app.kernel.web import Surface
from app.webhooks import recovering, samples, searching
from app.webhooks.callers import actor, guarded, scope
from app.webhooks.delivery_schemas import (
    DeliveryQuery,
    WebhookDeliveryDetailSchema,
    WebhookDeliveryListSchema,
    WebhookDeliverySchema,
)
from app.webhooks.errors import OnItsWay, StillWaiting, UnknownDelivery, UnknownEndpoint
from app.webhooks.models import Delivery

blp = Surface(
    "Deliveries", __name__, url_prefix="/api/v1/webhooks/deliveries", description="Each event for each endpoint."
)


@blp.route("")
class Deliveries(MethodView):
    @guarded
    @blp.arguments(DeliveryQuery, location="query")
    @blp.response(200, WebhookDeliveryListSchema, example=samples.DELIVERIES)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """Search deliveries, newest first; those of deleted endpoints are found as well."""
        return searching.page(query, scope())


@blp.route("/<int:delivery_id>")
class Detail(MethodView):
    @guarded
    @refuses(UnknownDelivery)
    @blp.response(200, WebhookDeliveryDetailSchema, example=samples.DETAIL)
    def get(self, delivery_id: int) -> Delivery:
        """Read a delivery with every attempt: the exact request and the answer."""
        return searching.find(delivery_id, scope())


@blp.route("/<int:delivery_id>/redeliver")
class Redeliver(MethodView):
    @guarded
    @refuses(UnknownDelivery, UnknownEndpoint, OnItsWay, StillWaiting)
    @blp.response(202, WebhookDeliverySchema, example=samples.DELIVERY)
    def post(self, delivery_id: int) -> Delivery:
        """Send it again now: the same id and bytes, freshly signed, with a full round of retries."""
        return recovering.redeliver(delivery_id, scope(), actor=actor())
