"""The one state machine of a sales invoice: its states, its steps, who may take them and what they need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto


class Status(StrEnum):
    INVOICED = "INVOICED"
    PICKING = "PICKING"
    PICKED = "PICKED"
    PACKING = "PACKING"
    BOXING = "BOXING"
    PACKED = "PACKED"
    DISPATCHED = "DISPATCHED"
    DELIVERED = "DELIVERED"
    REVIEW = "REVIEW"


class BillingStatus(StrEnum):
    BILLED = "BILLED"
    REVIEW = "REVIEW"
    RE_INVOICED = "RE_INVOICED"


class Priority(StrEnum):
    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


class Section(StrEnum):
    PICKING = "PICKING"
    PACKING = "PACKING"
    DELIVERY = "DELIVERY"


class DeliveryType(StrEnum):
    DIRECT = "DIRECT"
    COURIER = "COURIER"
    INTERNAL = "INTERNAL"


class Outcome(StrEnum):
    """How a worker's hold on an invoice ended."""

    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"
    HELD = "HELD"


class Who(Enum):
    """Who may take a step; supervisors (``SUPERVISORS``) may take those of a holder too."""

    ANYONE = auto()
    WORKER = auto()
    HOLDER = auto()


#: The roles that may act for another worker.
SUPERVISORS = frozenset({"admin", "billing"})


@dataclass(frozen=True, slots=True)
class Step:
    """A row of the table: ``moves`` tells for each state that it may be taken from where it leads.

    ``opens`` begins the session of a worker; ``resumes`` are the states in which it also takes over an invoice
    that nobody holds. ``ends`` closes the session; a step that is neither keeps it. ``needs`` are the fields
    that must be sent along.
    """

    name: str
    does: str
    moves: Mapping[Status, Status]
    who: Who
    section: Section | None = None
    opens: bool = False
    resumes: tuple[Status, ...] = ()
    ends: Outcome | None = None
    needs: tuple[str, ...] = ()
    #: Cancelling and returning stay possible for an invoice on hold.
    while_held: bool = field(default=False)


#: The states that billing can be sent an invoice from, each with the section that sends it.
RETURNING_SECTION: Mapping[str, Section] = {
    Status.PICKING: Section.PICKING,
    Status.PICKED: Section.PICKING,
    Status.PACKING: Section.PACKING,
    Status.BOXING: Section.PACKING,
    Status.PACKED: Section.DELIVERY,
    Status.DISPATCHED: Section.DELIVERY,
}

#: Where a corrected invoice goes on, by the section that returned it.
RESUMED_STATUS: Mapping[str, Status] = {
    Section.PICKING: Status.PICKING,
    Section.PACKING: Status.PACKING,
    Section.DELIVERY: Status.PACKED,
}

#: The states in which an invoice is in a worker's hands, with the section of the session.
HANDLED_IN: Mapping[str, Section] = {
    Status.PICKING: Section.PICKING,
    Status.PACKING: Section.PACKING,
    Status.BOXING: Section.PACKING,
    Status.DISPATCHED: Section.DELIVERY,
}

#: The states in which an invoice can be put on hold.
HOLDABLE = tuple(status for status in Status if status not in {Status.DELIVERED, Status.REVIEW})

_S, _IN = Status, Section
_TABLE = (
    Step(
        "picking.start",
        "start picking",
        {_S.INVOICED: _S.PICKING},
        Who.WORKER,
        _IN.PICKING,
        opens=True,
        resumes=(_S.PICKING,),
    ),
    Step(
        "picking.complete",
        "complete picking",
        {_S.PICKING: _S.PICKED},
        Who.HOLDER,
        _IN.PICKING,
        ends=Outcome.COMPLETED,
    ),
    Step(
        "picking.cancel",
        "cancel picking",
        {_S.PICKING: _S.INVOICED},
        Who.HOLDER,
        _IN.PICKING,
        ends=Outcome.CANCELLED,
        while_held=True,
    ),
    Step(
        "packing.start",
        "start packing",
        {_S.PICKED: _S.PACKING},
        Who.WORKER,
        _IN.PACKING,
        opens=True,
        resumes=(_S.PACKING, _S.BOXING),
    ),
    Step("packing.complete", "complete packing", {_S.PACKING: _S.BOXING}, Who.HOLDER, _IN.PACKING),
    Step(
        "boxing.complete",
        "complete boxing",
        {_S.BOXING: _S.PACKED},
        Who.HOLDER,
        _IN.PACKING,
        ends=Outcome.COMPLETED,
        needs=("label_count",),
    ),
    Step(
        "packing.cancel",
        "cancel packing",
        {_S.PACKING: _S.PICKED, _S.BOXING: _S.PICKED},
        Who.HOLDER,
        _IN.PACKING,
        ends=Outcome.CANCELLED,
        while_held=True,
    ),
    Step("delivery.direct", "hand over to the customer", {_S.PACKED: _S.DELIVERED}, Who.WORKER, _IN.DELIVERY),
    Step(
        "delivery.courier",
        "hand over to a courier",
        {_S.PACKED: _S.DELIVERED},
        Who.WORKER,
        _IN.DELIVERY,
        needs=("courier", "tracking_no"),
    ),
    Step(
        "delivery.internal",
        "start delivery",
        {_S.PACKED: _S.DISPATCHED},
        Who.WORKER,
        _IN.DELIVERY,
        opens=True,
        resumes=(_S.DISPATCHED,),
        needs=("driver_id",),
    ),
    Step(
        "delivery.complete",
        "complete delivery",
        {_S.DISPATCHED: _S.DELIVERED},
        Who.HOLDER,
        _IN.DELIVERY,
        ends=Outcome.COMPLETED,
    ),
    Step(
        "delivery.cancel",
        "cancel delivery",
        {_S.DISPATCHED: _S.PACKED},
        Who.HOLDER,
        _IN.DELIVERY,
        ends=Outcome.CANCELLED,
        while_held=True,
    ),
    Step(
        "billing.return",
        "return to billing",
        dict.fromkeys((Status(status) for status in RETURNING_SECTION), _S.REVIEW),
        Who.ANYONE,
        ends=Outcome.RETURNED,
        needs=("return_reason",),
        while_held=True,
    ),
    # Where it leads depends on the section that returned it: ``RESUMED_STATUS``.
    Step("billing.correct", "correct", {_S.REVIEW: _S.REVIEW}, Who.ANYONE),
    Step(
        "hold",
        "put on hold",
        {status: status for status in HOLDABLE},
        Who.ANYONE,
        ends=Outcome.HELD,
        needs=("reason",),
    ),
    Step("release", "release", {status: status for status in HOLDABLE}, Who.ANYONE, while_held=True),
)

STEPS: Mapping[str, Step] = {step.name: step for step in _TABLE}

#: The step that starts a delivery of each type.
DELIVERY_STEP: Mapping[str, Step] = {kind: STEPS[f"delivery.{kind.lower()}"] for kind in DeliveryType}

#: The step that cancels a session, by the state that the invoice is in.
CANCELLING: Mapping[str, Step] = {
    status: step for step in _TABLE if step.ends is Outcome.CANCELLED for status in step.moves
}
