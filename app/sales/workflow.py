"""The states of a sales invoice, and where a return to billing comes from and goes back to."""

from __future__ import annotations

from enum import StrEnum


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


#: The states that billing can be sent an invoice from, each with the section that sends it.
RETURNING_SECTION: dict[str, Section] = {
    Status.PICKING: Section.PICKING,
    Status.PICKED: Section.PICKING,
    Status.PACKING: Section.PACKING,
    Status.BOXING: Section.PACKING,
    Status.PACKED: Section.DELIVERY,
    Status.DISPATCHED: Section.DELIVERY,
}

#: Where a corrected invoice goes on, by the section that returned it.
RESUMED_STATUS: dict[str, Status] = {
    Section.PICKING: Status.PICKING,
    Section.PACKING: Status.PACKING,
    Section.DELIVERY: Status.PACKED,
}
