"""Steps of the sales floor: one table with the payload, who may take the step, and from which state it leads where."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from app.sales.floor import review, transitions
from app.sales.schemas.floor import (
    BoxingSchema,
    BulkBoxingSchema,
    BulkDeliveryCompleteSchema,
    BulkDeliveryStartSchema,
    BulkStartSchema,
    BulkStepSchema,
    DeliveryCompleteSchema,
    DeliveryStartSchema,
    HoldRequestSchema,
    StartSchema,
    StepSchema,
)
from app.sales.schemas.invoices import CorrectionSchema, ReturnSchema
from app.sales.state_machine import HOLDABLE, RETURNING_SECTION, DeliveryType, Outcome, Section, Status, Step, Who

_step = partial(Step, run=transitions.take)
_S, _IN = Status, Section
_TABLE = (
    _step(
        "picking.start",
        "start picking",
        {_S.INVOICED: _S.PICKING},
        Who.WORKER,
        StartSchema,
        _IN.PICKING,
        opens=True,
        resumes=(_S.PICKING,),
        bulk=BulkStartSchema,
    ),
    _step(
        "picking.complete",
        "complete picking",
        {_S.PICKING: _S.PICKED},
        Who.HOLDER,
        StepSchema,
        _IN.PICKING,
        ends=Outcome.COMPLETED,
        bulk=BulkStepSchema,
    ),
    _step(
        "picking.cancel",
        "cancel picking",
        {_S.PICKING: _S.INVOICED},
        Who.HOLDER,
        StepSchema,
        _IN.PICKING,
        ends=Outcome.CANCELLED,
        while_held=True,
    ),
    _step(
        "packing.start",
        "start packing",
        {_S.PICKED: _S.PACKING},
        Who.WORKER,
        StartSchema,
        _IN.PACKING,
        opens=True,
        resumes=(_S.PACKING, _S.BOXING),
        bulk=BulkStartSchema,
    ),
    _step(
        "packing.complete",
        "complete packing",
        {_S.PACKING: _S.BOXING},
        Who.HOLDER,
        StepSchema,
        _IN.PACKING,
        bulk=BulkStepSchema,
    ),
    _step(
        "boxing.complete",
        "complete boxing",
        {_S.BOXING: _S.PACKED},
        Who.HOLDER,
        BoxingSchema,
        _IN.PACKING,
        ends=Outcome.COMPLETED,
        bulk=BulkBoxingSchema,
    ),
    _step(
        "packing.cancel",
        "cancel packing",
        {_S.PACKING: _S.PICKED, _S.BOXING: _S.PICKED},
        Who.HOLDER,
        StepSchema,
        _IN.PACKING,
        ends=Outcome.CANCELLED,
        while_held=True,
    ),
    _step(
        "delivery.direct",
        "hand over to the customer",
        {_S.PACKED: _S.DELIVERED},
        Who.WORKER,
        DeliveryStartSchema,
        _IN.DELIVERY,
        delivery_type=DeliveryType.DIRECT,
        bulk=BulkDeliveryStartSchema,
    ),
    _step(
        "delivery.courier",
        "hand over to a courier",
        {_S.PACKED: _S.DELIVERED},
        Who.WORKER,
        DeliveryStartSchema,
        _IN.DELIVERY,
        delivery_type=DeliveryType.COURIER,
        bulk=BulkDeliveryStartSchema,
    ),
    _step(
        "delivery.internal",
        "start delivery",
        {_S.PACKED: _S.DISPATCHED},
        Who.WORKER,
        DeliveryStartSchema,
        _IN.DELIVERY,
        opens=True,
        resumes=(_S.DISPATCHED,),
        delivery_type=DeliveryType.INTERNAL,
        bulk=BulkDeliveryStartSchema,
    ),
    _step(
        "delivery.complete",
        "complete delivery",
        {_S.DISPATCHED: _S.DELIVERED},
        Who.HOLDER,
        DeliveryCompleteSchema,
        _IN.DELIVERY,
        ends=Outcome.COMPLETED,
        bulk=BulkDeliveryCompleteSchema,
    ),
    _step(
        "delivery.cancel",
        "cancel delivery",
        {_S.DISPATCHED: _S.PACKED},
        Who.HOLDER,
        StepSchema,
        _IN.DELIVERY,
        ends=Outcome.CANCELLED,
        while_held=True,
    ),
    _step(
        "billing.return",
        "return to billing",
        dict.fromkeys((Status(status) for status in RETURNING_SECTION), _S.REVIEW),
        Who.ANYONE,
        ReturnSchema,
        ends=Outcome.RETURNED,
        while_held=True,
        run=review.return_to_billing,
    ),
    # The section that returned the invoice decides the new state: ``RESUMED_STATUS``.
    _step(
        "billing.correct",
        "correct",
        {_S.REVIEW: _S.REVIEW},
        Who.ERP,
        CorrectionSchema,
        run=review.correct,
    ),
    _step(
        "hold",
        "put on hold",
        {status: status for status in HOLDABLE},
        Who.ANYONE,
        HoldRequestSchema,
        ends=Outcome.HELD,
    ),
    _step(
        "release",
        "release",
        {status: status for status in HOLDABLE},
        Who.ANYONE,
        StepSchema,
        while_held=True,
        lifts_hold=True,
        run=transitions.release,
    ),
)

STEPS: Mapping[str, Step] = {step.name: step for step in _TABLE}

#: The steps that start a delivery; the delivery type decides which.
DELIVERY_STARTS = tuple(step for step in _TABLE if step.delivery_type)

#: The step that cancels a session, by the state of the invoice.
CANCELLING: Mapping[str, Step] = {
    status: step for step in _TABLE if step.ends is Outcome.CANCELLED for status in step.moves
}
