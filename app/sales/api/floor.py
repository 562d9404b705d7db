"""``/api/sales`` on the floor: one endpoint for each step of the table, one for many at once, and the queues."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask.views import MethodView

from app.accounts.guards import requires
from app.accounts.idempotency import idempotent
from app.accounts.principals import authenticate
from app.kernel.errors import Refusal
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.kernel.pagination.keyset import KeysetQuery, Page, keyset_page_schema
from app.sales import errors, samples
from app.sales.access import actor
from app.sales.floor import transitions
from app.sales.floor.steps import CANCELLING, DELIVERY_STARTS, STEPS
from app.sales.models.invoices import SalesInvoice
from app.sales.queries import lists
from app.sales.schemas.floor import BulkAnswerSchema, QueuesSchema, StepSchema, WorkersSchema
from app.sales.schemas.invoices import InvoiceAnswerSchema, InvoiceSchema
from app.sales.state_machine import Step, Who

blp = ApiBlueprint(
    "Sales floor", __name__, url_prefix="/api/sales", description="Picking, packing and delivery, step by step."
)

_STARTING = (errors.WrongState, errors.WorkerBusy, errors.AlreadyHandled, errors.NotAWorker, errors.NotYourPlace)
_HOLDING = (errors.WrongState, errors.NobodyHasIt, errors.SomebodyElseHasIt, errors.NotAWorker)
_ORDER = {"invoice_no": "LTPI-77282"}
_RELEASE = STEPS["release"]


def _answer(message: str, data: Any, *, success: bool = True) -> dict[str, Any]:
    return {"success": success, "message": message, "data": data}


def _chosen(steps: tuple[Step, ...], order: Mapping[str, Any]) -> Step:
    """The step that an endpoint takes; among the steps that start a delivery the type decides."""
    return next(step for step in steps if step.delivery_type == order.get("delivery_type"))


def _single(path: str, *steps: Step, summary: str, done: str, sample: dict[str, Any]) -> None:
    """Add the endpoint of a step."""
    needed = _STARTING if steps[0].who is Who.WORKER else _HOLDING

    @requires("sales:write")
    @refuses(errors.UnknownInvoice, errors.OnHold, *needed)
    @idempotent
    @blp.arguments(steps[0].payload, example={**_ORDER, **sample})
    @blp.response(200, InvoiceAnswerSchema, example=_answer(done, samples.STEPPED))
    def post(_self: MethodView, data: dict[str, Any]) -> dict[str, Any]:
        return _answer(done, _chosen(steps, data).take(data, actor()))

    _add(path, post, summary)


def _bulk(path: str, *steps: Step, summary: str, sample: dict[str, Any]) -> None:
    """Add the endpoint of a step with many invoices."""
    shown = {"invoice_no": "LTPI-77282", "success": True, "status": 200, "invoice": samples.STEPPED}

    @requires("sales:write")
    @refuses(errors.NotAWorker)
    @idempotent
    @blp.arguments(steps[0].bulk, example={"invoices": [{**_ORDER, **sample}]})
    @blp.response(200, BulkAnswerSchema, example=_answer("1 of 1 done", {"results": [shown]}))
    def post(_self: MethodView, data: dict[str, Any]) -> dict[str, Any]:
        shared = {key: value for key, value in data.items() if key != "invoices"}
        orders = [{**order, **shared} for order in data["invoices"]]
        chosen = {order["invoice_no"]: _chosen(steps, order) for order in orders}
        outcomes = transitions.take_all(chosen, orders, actor())
        return _results(orders, outcomes)

    _add(path, post, summary)


def _add(path: str, post: Any, summary: str) -> None:
    post.__doc__ = summary
    words = path.replace("-", "/").split("/")
    view = type("".join(word.title() for word in words), (MethodView,), {"post": post})
    blp.route(path)(view)


def _results(orders: list[dict[str, Any]], outcomes: list[SalesInvoice | Refusal]) -> dict[str, Any]:
    results = [_result(order["invoice_no"], outcome) for order, outcome in zip(orders, outcomes, strict=True)]
    done = sum(result["success"] for result in results)
    return _answer(f"{done} of {len(results)} done", {"results": results}, success=done == len(results))


def _result(invoice_no: str, outcome: SalesInvoice | Refusal) -> dict[str, Any]:
    result = {"invoice_no": invoice_no}
    if not isinstance(outcome, Refusal):
        return {**result, "success": True, "status": 200, "invoice": outcome}
    more = {name: value for name in ("errors", "data") if (value := getattr(outcome, name))}
    return {**result, "success": False, "status": outcome.status, "message": outcome.message, **more}


_ROUND = (
    "Up to 200 invoices in one session of the worker, who has them all open until the last is completed. "
    "Each is taken or refused by itself, in the order sent."
)
_MANY = "Up to 200 invoices; each is taken or refused by itself, in the order sent."

_single(
    "/picking/start/",
    STEPS["picking.start"],
    summary="""Start picking.

    Takes an invoice that waits (INVOICED, or PICKING in nobody's hands) into the worker's one picking session.""",
    done="Picking started",
    sample={},
)
_single(
    "/picking/complete/", STEPS["picking.complete"], summary="Complete picking.", done="Picking completed", sample={}
)
_single(
    "/packing/start/",
    STEPS["packing.start"],
    summary="""Start packing.

    Takes an invoice that waits (PICKED, or PACKING or BOXING in nobody's hands) into the worker's packing session.""",
    done="Packing started",
    sample={},
)
_single(
    "/packing/complete/",
    STEPS["packing.complete"],
    summary="""Complete packing.

    The invoice goes into its boxes (BOXING); the session goes on until boxing is completed.""",
    done="Packing completed",
    sample={},
)
_single(
    "/boxing/complete/",
    STEPS["boxing.complete"],
    summary="Complete boxing, with the number of labels.",
    done="Boxing completed",
    sample={"label_count": 3},
)
_single(
    "/delivery/start/",
    *DELIVERY_STARTS,
    summary="""Start delivery.

    DIRECT and COURIER go straight to DELIVERED; INTERNAL goes to DISPATCHED into the session of the driver.""",
    done="Delivery started",
    sample={"delivery_type": "COURIER", "courier": "DTDC", "tracking_no": "D123456789"},
)
_single(
    "/delivery/complete/",
    STEPS["delivery.complete"],
    summary="Complete a delivery, with a note of proof.",
    done="Delivery completed",
    sample={"proof_note": "Signed by Mr Nair"},
)
_single(
    "/hold/",
    STEPS["hold"],
    summary="""Put an invoice on hold.

    It leaves its worker's session and takes no step until it is released; its status stays.""",
    done="Invoice put on hold",
    sample={"reason": "Price in dispute"},
)

_bulk(
    "/picking/bulk-start/", STEPS["picking.start"], summary=f"Start picking a round of invoices.\n\n{_ROUND}", sample={}
)
_bulk("/picking/bulk-complete/", STEPS["picking.complete"], summary=f"Complete picking many.\n\n{_MANY}", sample={})
_bulk(
    "/packing/bulk-start/", STEPS["packing.start"], summary=f"Start packing a round of invoices.\n\n{_ROUND}", sample={}
)
_bulk("/packing/bulk-complete/", STEPS["packing.complete"], summary=f"Complete packing many.\n\n{_MANY}", sample={})
_bulk(
    "/boxing/bulk-complete/",
    STEPS["boxing.complete"],
    summary=f"Complete boxing many.\n\n{_MANY}",
    sample={"label_count": 3},
)
_bulk(
    "/delivery/bulk-start/",
    *DELIVERY_STARTS,
    summary=f"Start delivering a tour of invoices.\n\n{_ROUND}",
    sample={"delivery_type": "INTERNAL", "driver_id": 5},
)
_bulk(
    "/delivery/bulk-complete/",
    STEPS["delivery.complete"],
    summary=f"Complete many deliveries.\n\n{_MANY}",
    sample={"proof_note": "Signed by Mr Nair"},
)


@blp.route("/session/cancel/")
class Cancel(MethodView):
    @requires("sales:write")
    @refuses(errors.UnknownInvoice, *_HOLDING)
    @idempotent
    @blp.arguments(StepSchema, example={**_ORDER, "note": "Wrong trolley"})
    @blp.response(200, InvoiceAnswerSchema, example=_answer("Session cancelled", samples.INVOICE))
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Cancel a session.

        The invoice goes back to where it waited: PICKING to INVOICED, PACKING and BOXING to PICKED, DISPATCHED
        to PACKED.
        """
        return _answer("Session cancelled", transitions.cancel(CANCELLING, data, actor()))


@blp.route("/release/")
class Release(MethodView):
    @requires("sales:write")
    @refuses(errors.UnknownInvoice, errors.NotOnHold)
    @idempotent
    @blp.arguments(_RELEASE.payload, example=_ORDER)
    @blp.response(200, InvoiceAnswerSchema, example=_answer("Invoice released", samples.STEPPED))
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Release an invoice from its hold.

        The worker who had it in hand gets it back if free; else it waits to be started again.
        """
        return _answer("Invoice released", _RELEASE.take(data, actor()))


@blp.route("/queues/")
class Queues(MethodView):
    @requires("sales:read")
    @blp.response(
        200,
        QueuesSchema,
        example={
            "results": [{"name": "picking", "description": "Waiting for picking …", "count": 12, "count_exact": True}]
        },
    )
    def get(self) -> dict[str, Any]:
        """Count what waits where."""
        return {"results": lists.count_queues(authenticate().user_id)}


@blp.route("/queues/<string:name>/")
class QueueView(MethodView):
    @requires("sales:read")
    @refuses(errors.UnknownQueue, errors.NotAWorker)
    @blp.arguments(KeysetQuery, location="query")
    @blp.response(
        200,
        keyset_page_schema(InvoiceSchema),
        example={"count": None, "count_exact": True, "next": None, "previous": None, "results": [samples.INVOICE]},
    )
    def get(self, query: dict[str, Any], name: str) -> Page:
        """Read a queue: `picking`, `packing`, `delivery`, `mine`, `review`, `on-hold` or `delivered-today`."""
        return lists.find_queue(name, query, authenticate().user_id)


@blp.route("/workers/")
class Workers(MethodView):
    @requires("sales:read")
    @blp.response(200, WorkersSchema, example={"results": [{"id": 5, "name": "Ravi"}]})
    def get(self) -> dict[str, Any]:
        """List who may take steps, for instance to assign a driver."""
        return {"results": transitions.list_workers()}
