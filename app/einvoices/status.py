"""Status and type of an e-invoice, and when its provider rejected it."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    DRAFT = "draft"
    ISSUED = "issued"
    SENT = "sent"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class Type(StrEnum):
    SALE = "sale"
    RETURN = "return"
    CREDIT_NOTE = "credit_note"


#: Words of providers that become the own status when they are the response to a sending.
STATUS_BY_PROVIDER_STATUS = {"accepted": Status.ACCEPTED, "rejected": Status.REJECTED}


def is_rejected(status: str, provider_status: str | None) -> bool:
    """Whether the provider rejected it: by its response to the sending, or later by a status report."""
    reported = STATUS_BY_PROVIDER_STATUS.get((provider_status or "").lower())
    return status == Status.REJECTED or (status == Status.SENT and reported == Status.REJECTED)
