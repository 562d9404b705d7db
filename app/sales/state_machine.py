"""States of a sales invoice and the rules that hold for a state; ``floor/steps.py`` has the steps between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from enum import Enum, StrEnum, auto
from functools import cached_property
from typing import Any

from marshmallow import Schema


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
    """How the work of a worker on an invoice ended."""

    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    RETURNED = "RETURNED"
    HELD = "HELD"


class Who(Enum):
    """Who may take a step. A supervisor (``SUPERVISORS``) may take those of a holder too."""

    ANYONE = auto()
    WORKER = auto()
    HOLDER = auto()
    #: The ERP with its key; no button on a page.
    ERP = auto()


#: The roles that may act for another worker.
SUPERVISORS = frozenset({"admin", "billing"})


@dataclass(frozen=True)
class Step:
    """A row of the table in ``floor/steps.py``.

    ``does`` completes the sentence "Invoice must be in … status to …". ``moves`` maps each state from which the step
    may be taken to the state after it. ``opens`` starts the session of a worker. ``resumes`` are the states in which
    the step also takes over an invoice that nobody has. ``ends`` closes the session; a step that does neither keeps
    it. ``payload`` is the schema of one request, ``bulk`` that of a request with many invoices.
    """

    name: str
    does: str
    moves: Mapping[Status, Status]
    who: Who
    payload: type[Schema]
    section: Section | None = None
    _: KW_ONLY
    opens: bool = False
    resumes: tuple[Status, ...] = ()
    ends: Outcome | None = None
    delivery_type: DeliveryType | None = None
    #: Cancelling and returning stay possible for an invoice on hold.
    while_held: bool = False
    #: Possible only for an invoice on hold.
    lifts_hold: bool = False
    bulk: type[Schema] | None = None
    #: The service function that takes the step.
    run: Callable[[Step, Mapping[str, Any], Any], Any]

    def take(self, data: Mapping[str, Any], actor: Any) -> Any:
        """Take the step with the invoice ``data["invoice_no"]``; ``data`` is what ``payload`` loaded."""
        return self.run(self, data, actor)

    @cached_property
    def needs(self) -> tuple[str, ...]:
        """The fields that must be sent besides the number and the delivery type."""
        required = (name for name, field in self.payload().fields.items() if field.required)
        chosen = DELIVERY_FIELDS[self.delivery_type] if self.delivery_type else ()
        return (*(name for name in required if name not in {"invoice_no", "delivery_type"}), *chosen)


#: The fields that a delivery of each type needs.
DELIVERY_FIELDS: Mapping[str, tuple[str, ...]] = {
    DeliveryType.DIRECT: (),
    DeliveryType.COURIER: ("courier", "tracking_no"),
    DeliveryType.INTERNAL: ("driver_id",),
}

#: The states from which an invoice can be returned to billing, each with the section that returns it.
RETURNING_SECTION: Mapping[str, Section] = {
    Status.PICKING: Section.PICKING,
    Status.PICKED: Section.PICKING,
    Status.PACKING: Section.PACKING,
    Status.BOXING: Section.PACKING,
    Status.PACKED: Section.DELIVERY,
    Status.DISPATCHED: Section.DELIVERY,
}

#: The state of a corrected invoice, by the section that returned it.
RESUMED_STATUS: Mapping[str, Status] = {
    Section.PICKING: Status.PICKING,
    Section.PACKING: Status.PACKING,
    Section.DELIVERY: Status.PACKED,
}

#: The states in which a worker has the invoice, each with the section of the session.
HANDLED_IN: Mapping[str, Section] = {
    Status.PICKING: Section.PICKING,
    Status.PACKING: Section.PACKING,
    Status.BOXING: Section.PACKING,
    Status.DISPATCHED: Section.DELIVERY,
}

#: The states in which an invoice can be put on hold.
HOLDABLE = tuple(status for status in Status if status not in {Status.DELIVERED, Status.REVIEW})
