"""``/api/v1/webhooks/endpoints``: manage endpoints and secrets, check receivers, recover and reconcile deliveries."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app import events
from app.accounts.idempotency import idempotent
from app.accounts.ownership import actor, may_allow, owner_id, scope
from app.accounts.principals import authenticate
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.kernel.outbound.url_resolution import resolves, stored_urls
from app.webhooks import samples
from app.webhooks.access import directing_token, require_events, requires_webhooks
from app.webhooks.deliveries import replay
from app.webhooks.endpoints import receiver_check
from app.webhooks.endpoints import service as endpoints
from app.webhooks.errors import (
    CheckRunning,
    EventsNotReadable,
    NotYours,
    TooManyEndpoints,
    UnknownCheck,
    UnknownEndpoint,
)
from app.webhooks.models.endpoints import Endpoint, ReceiverCheck
from app.webhooks.schemas.deliveries import PullQuery, PullSchema, ReconciliationSchema, RecoveredSchema, RecoverySchema
from app.webhooks.schemas.endpoints import (
    EndpointChangeSchema,
    EndpointDraftSchema,
    EndpointListSchema,
    EndpointQuery,
    EndpointReasonSchema,
    EndpointSchema,
    EndpointSecretSchema,
    EndpointTestSchema,
    ReceiverCheckSchema,
    RotationSchema,
)
from app.webhooks.sender import circuit_breaker

blp = ApiBlueprint(
    "Webhooks",
    __name__,
    url_prefix="/api/v1/webhooks/endpoints",
    description="Webhook endpoints, their secrets, and checks of their receivers.",
)


def _stored_url(endpoint_id: int) -> dict[str, str]:
    return stored_urls(lambda row_id: endpoints.find(row_id, scope()), endpoint_id, ["url"])


@blp.route("")
class Endpoints(MethodView):
    @requires_webhooks
    @blp.arguments(EndpointQuery, location="query")
    @blp.response(200, EndpointListSchema, example=samples.LIST)
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List endpoints, newest first."""
        return endpoints.find_page(query, scope())

    @requires_webhooks
    @refuses(NotYours, EventsNotReadable, TooManyEndpoints)
    @resolves("url")
    @idempotent(sealed=True)
    @blp.arguments(EndpointDraftSchema, example=samples.NEW)
    @blp.response(201, EndpointSecretSchema, example=samples.WITH_SECRET)
    def post(self, data: dict[str, Any]) -> endpoints.EndpointWithSecret:
        """Create an endpoint; its secret is shown in this response only.

        The URL is resolved and validated; an error names the IP address and the rule that blocks it.
        """
        require_events(*data["events"])
        return endpoints.create(data, owner_id(), actor=actor(), may_allow=may_allow(), token_id=directing_token())


@blp.route("/<int:endpoint_id>")
class Detail(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint)
    @blp.response(200, EndpointSchema, example=samples.ENDPOINT)
    def get(self, endpoint_id: int) -> Endpoint:
        """Read one endpoint."""
        return endpoints.find(endpoint_id, scope())

    @requires_webhooks
    @refuses(UnknownEndpoint, NotYours, EventsNotReadable)
    @resolves("url", stored=_stored_url)
    @blp.arguments(EndpointChangeSchema, example={"events": ["einvoice.issued", "sales.*"]})
    @blp.response(200, EndpointSchema, example=samples.ENDPOINT)
    def patch(self, data: dict[str, Any], endpoint_id: int) -> Endpoint:
        """Change an endpoint; waiting deliveries are sent to the new URL."""
        # Deliveries that wait are of the present events; they go to the new URL.
        require_events(*endpoints.find(endpoint_id, scope()).events, *data.get("events", ()))
        return endpoints.change(
            endpoint_id, data, scope(), actor=actor(), may_allow=may_allow(), token_id=directing_token()
        )

    @requires_webhooks
    @refuses(UnknownEndpoint)
    @blp.response(204)
    def delete(self, endpoint_id: int) -> None:
        """Delete an endpoint; waiting deliveries are cancelled, finished ones can still be read."""
        endpoints.remove(endpoint_id, scope(), actor=actor())


@blp.route("/<int:endpoint_id>/rotate")
class Rotate(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint, EventsNotReadable)
    @blp.arguments(RotationSchema, example={"grace_hours": 24})
    @blp.response(200, EndpointSecretSchema, example=samples.WITH_SECRET)
    def post(self, data: dict[str, Any], endpoint_id: int) -> endpoints.EndpointWithSecret:
        """Create a new secret, shown in this response only; for `grace_hours` the old one is also used to sign."""
        require_events(*endpoints.find(endpoint_id, scope()).events)
        return endpoints.rotate(endpoint_id, data["grace_hours"], scope(), actor=actor())


@blp.route("/<int:endpoint_id>/enable")
class Enable(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint, EventsNotReadable)
    @blp.response(200, EndpointSchema, example=samples.ENDPOINT)
    def post(self, endpoint_id: int) -> Endpoint:
        """Enable an endpoint. If deliveries wait, it is `probing` until the first of them has arrived."""
        endpoint = endpoints.find_for_update(endpoint_id, scope())
        require_events(*endpoint.events)
        circuit_breaker.enable(endpoint, actor=actor(), token_id=directing_token())
        return endpoint


@blp.route("/<int:endpoint_id>/disable")
class Disable(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint)
    @blp.arguments(EndpointReasonSchema, example={"reason": "The ERP is being moved."})
    @blp.response(200, EndpointSchema, example=samples.DISABLED)
    def post(self, data: dict[str, Any], endpoint_id: int) -> Endpoint:
        """Disable an endpoint; deliveries wait until it is enabled again."""
        endpoint = endpoints.find_for_update(endpoint_id, scope())
        circuit_breaker.disable(endpoint, data["reason"], actor=actor())
        return endpoint


@blp.route("/<int:endpoint_id>/test")
class Test(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint)
    @blp.response(202, EndpointTestSchema, example={"message": "A test is on its way."})
    def post(self, endpoint_id: int) -> dict[str, Any]:
        """Send a `webhook.test` event to this endpoint, in the same way as other events."""
        endpoints.send_test(endpoint_id, scope())
        return {"message": "A test is on its way."}


@blp.route("/<int:endpoint_id>/check")
class RequestCheck(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint, CheckRunning)
    @blp.response(202, ReceiverCheckSchema, example=samples.CHECK_PENDING)
    def post(self, endpoint_id: int) -> ReceiverCheck:
        """Request a check of the receiver with valid, forged, stale, repeated and slow requests.

        The report with its grade is ready within half a minute.
        """
        return receiver_check.request_check(endpoint_id, scope())


@blp.route("/<int:endpoint_id>/checks/<int:check_id>")
class CheckDetail(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint, UnknownCheck)
    @blp.response(200, ReceiverCheckSchema, example=samples.CHECK)
    def get(self, endpoint_id: int, check_id: int) -> ReceiverCheck:
        """Read a check: its grade, and for each request the response and advice."""
        return receiver_check.find(endpoint_id, check_id, scope())


@blp.route("/<int:endpoint_id>/recover")
class Recover(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint, EventsNotReadable)
    @blp.arguments(RecoverySchema, example={"since": "2026-02-01T00:00:00Z"})
    @blp.response(202, RecoveredSchema, example=samples.RECOVERED)
    def post(self, data: dict[str, Any], endpoint_id: int) -> dict[str, Any]:
        """Send all failed deliveries since a time again, oldest first and at a limited rate."""
        require_events(*endpoints.find(endpoint_id, scope()).events)
        return replay.recover_since(endpoint_id, data, scope(), actor=actor())


@blp.route("/<int:endpoint_id>/events")
class Pull(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint, EventsNotReadable)
    @blp.arguments(PullQuery, location="query")
    @blp.response(200, PullSchema, example=samples.PULLED)
    def get(self, query: dict[str, Any], endpoint_id: int) -> dict[str, Any]:
        """Fetch the events of this endpoint after a position, oldest first; repeated calls miss no event."""
        require_events(*endpoints.find(endpoint_id, scope()).events)
        names = events.readable(authenticate().abilities)
        return replay.pull(endpoint_id, scope(), after=query["after"], limit=query["limit"], names=names)


@blp.route("/<int:endpoint_id>/reconciliation")
class Reconciliation(MethodView):
    @requires_webhooks
    @refuses(UnknownEndpoint)
    @blp.response(200, ReconciliationSchema, example=samples.RECONCILIATION)
    def get(self, endpoint_id: int) -> dict[str, Any]:
        """List the sequences that have not arrived at the receiver."""
        return replay.reconcile(endpoint_id, scope())
