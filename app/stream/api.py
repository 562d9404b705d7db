"""``/api/sales/sse``, ``/api/v1/stream`` and ``/api/v1/events``: live streams, their tickets, and the event log."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from flask import Flask, Response, current_app, request
from flask.views import MethodView
from marshmallow import ValidationError

from app import events
from app.accounts.guards import requires
from app.accounts.idempotency import idempotent
from app.accounts.principals import Principal, authenticate
from app.events import matching
from app.kernel.errors import Invalid
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.client_address import client_address
from app.kernel.http.openapi import refuses
from app.kernel.json import encode
from app.kernel.messages import N_
from app.stream import service
from app.stream.errors import InvalidTicket, NoPlaceForStream, PositionGone, TooManyStreams
from app.stream.schemas import EventId, LogQuery, LogSchema, StreamQuery, TicketSchema, TopicStreamQuery
from app.stream.sse_frames import KEEP_ALIVE, ToFrames, event_frame, keep_alive_frame, sales_frames

sales = ApiBlueprint(
    "Sales stream", __name__, url_prefix="/api/sales/sse", description="Live stream of sales invoices."
)
log = ApiBlueprint("Events", __name__, url_prefix="/api/v1", description="The event log, by position or live.")

EVENT_STREAM = "text/event-stream"
#: Endpoints that a browser opens with ``EventSource``. It sends no headers, so a ticket or a session authenticates.
STREAMS = frozenset({f"{sales.name}.SalesStream", f"{log.name}.Stream"})
#: Seconds that one send to a reader may take before the connection is closed.
SEND_TIMEOUT = 30.0
#: Key of the WSGI environment: a function that takes the connection of an answer over; see ``service.TakeOver``.
TAKE_OVER = "hub.take_over"
_HEADER = EventId()

_SALES_EXAMPLE = (
    "event: invoice_updated\n"
    'data: {"type":"invoice_updated","invoice_no":"LTPI-77282","status":"PICKING","billing_status":"RE_INVOICED",'
    '"timestamp":"2025-01-18T10:20:00.000000Z"}\n\n'
    'id: 42\ndata: {"type":"invoice_updated","id":123,"invoice_no":"LTPI-77282"}\n\n'
)
_EVENT = {
    "position": 42,
    "event": "sales.imported",
    "id": "6f2c1c1e-3c1b-4a53-9d3e-6f0a2b8f9a11",
    "created_at": "2025-01-18T09:30:00.000000Z",
    "data": {"invoice": {"id": 123, "invoice_no": "LTPI-77282"}},
}


def ticket_authenticator() -> Principal | None:
    """The principal of the ticket in the URL of a stream.

    Raises:
        InvalidTicket: unknown, used or expired.
    """
    ticket = request.args.get("ticket", "").strip()
    # Only streams accept tickets: a ticket that can make tickets would never expire.
    if not ticket or request.endpoint not in STREAMS:
        return None
    principal = service.redeem_ticket(ticket, client_address())
    if principal is None:
        raise InvalidTicket
    return principal


@sales.route("/invoices/")
class SalesStream(MethodView):
    @requires("sales:read")
    @refuses(TooManyStreams, NoPlaceForStream, PositionGone)
    @sales.arguments(StreamQuery, location="query")
    @sales.response(200, content_type=EVENT_STREAM, example=_SALES_EXAMPLE)
    def get(self, query: dict[str, Any]) -> Response:
        """Stream sales invoices live.

        The full invoice is sent as a default `message` when it is imported or changed; a review and an update send
        a short `invoice_review` or `invoice_updated` event before it. `: keep-alive` comments are sent every 15
        seconds. The stream ends after about ten minutes; reconnect with `Last-Event-ID`, and nothing is missed.
        """
        return _stream(query, "sales:read", matching(["sales.*"]), sales_frames)


@log.route("/stream")
class Stream(MethodView):
    @requires("events:read")
    @refuses(TooManyStreams, NoPlaceForStream, PositionGone)
    @log.arguments(TopicStreamQuery, location="query")
    @log.response(200, content_type=EVENT_STREAM, example="id: 42\nevent: sales.imported\ndata: {…}\n\n")
    def get(self, query: dict[str, Any]) -> Response:
        """Stream the events of chosen topics live, as far as you may read their domains; resumes like that of sales."""
        return _stream(query, "events:read", query["topics"], event_frame)


@log.route("/stream/tickets")
class Tickets(MethodView):
    @requires("events:read")
    @idempotent(sealed=True)
    @log.response(201, TicketSchema, example={"ticket": "k3J…", "expires_in": 60})
    def post(self) -> dict[str, Any]:
        """Make a single-use ticket that opens one stream as `?ticket=` within 60 seconds."""
        ticket = service.make_ticket(authenticate())
        return {"ticket": ticket, "expires_in": int(service.TICKET_LIFETIME.total_seconds())}


@log.route("/events")
class Log(MethodView):
    @requires("events:read")
    @refuses(PositionGone)
    @log.arguments(LogQuery, location="query")
    @log.response(200, LogSchema, example={"data": [_EVENT], "meta": {"next_after": 42, "head": 42}})
    def get(self, query: dict[str, Any]) -> Response:
        """Read the event log after a position, oldest first: the events of the domains that you may read.

        A reader that passes `next_after` as the next `after` misses nothing and gets nothing twice. Without `after`, or
        with 0, reading begins with the oldest kept event. An earlier position is answered 410 with the `oldest`. A page
        of large events ends before `limit`.
        """
        caller = authenticate()
        head = events.last_position()
        page = events.read_after(
            query["after"],
            types=_readable_types(query["topics"], caller),
            limit=query["limit"],
            owner_id=caller.user_id,
            everybody=caller.sees_everything,
            until=head,
        )
        # After the read: events that were deleted before it would otherwise be missing without an error.
        _require_kept(query["after"])
        # A full page continues after its last event; otherwise everything up to the head was read.
        next_after = max(head, query["after"]) if page.is_last else page.events[-1].position
        data = [msgspec.Raw(f'{{"position":{row.position},{row.body[1:]}'.encode()) for row in page.events]
        body = encode({"data": data, "meta": {"next_after": next_after, "head": head}})
        return Response(body, mimetype="application/json")


def _stream(query: dict[str, Any], ability: str, types: list[str], to_frames: ToFrames) -> Response:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    after = _resumed_position(query)
    caller = authenticate()
    frames = service.open_stream(
        app,
        caller,
        address=client_address(),
        ability=ability,
        types=_readable_types(types, caller),
        after=after,
        to_frames=to_frames,
        keep_alive=_keep_alive(app) if query["keep_alive_events"] else KEEP_ALIVE,
        take_over=request.environ.get(TAKE_OVER),
    )
    connection = request.environ.get("gunicorn.socket")
    if connection is not None:
        connection.settimeout(SEND_TIMEOUT)
    return Response(
        frames,
        mimetype=EVENT_STREAM,
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )


def _keep_alive(app: Flask) -> str:
    return KEEP_ALIVE + keep_alive_frame(app.config["STREAM_KEEP_ALIVE_SECONDS"])


def _readable_types(types: Collection[str], caller: Principal) -> list[str]:
    """Those of the event types whose data the caller may read: `events:read` opens no domain by itself."""
    readable = events.readable(caller.abilities)
    return [name for name in readable if name in types]


def _resumed_position(query: dict[str, Any]) -> int | None:
    # A client sets the first two itself at each reconnect; the last one stands in its URL from the beginning.
    sent = (_position_of_header(), query.get("reconnect_id"), query.get("last_event_id"))
    position = next((value for value in sent if value is not None), None)
    # Nothing to resume after an id that was never assigned, for example after a restore from a backup.
    if position is None or position > events.last_position():
        return None
    _require_kept(position)
    return position


def _position_of_header() -> int | None:
    try:
        position: int | None = _HEADER.deserialize(request.headers.get("Last-Event-ID", ""))
    except ValidationError as error:
        raise Invalid({"Last-Event-ID": [N_("Expected the id of an event of this stream.")]}) from error
    return position


def _require_kept(position: int) -> None:
    """Raise ``PositionGone`` if events after ``position`` were deleted; 0 means the beginning of what is kept."""
    if position and position < (purged := events.purged_position()):
        raise PositionGone(purged + 1)
