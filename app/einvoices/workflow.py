"""The states of an e-invoice, of its PDF and of its way to the provider."""

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


class WorkState(StrEnum):
    """Of work that is done beside the requests: rendering, sending."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


CANCELLABLE = frozenset({Status.DRAFT, Status.ISSUED})
SENDABLE = frozenset({Status.ISSUED, Status.REJECTED})
CREDITABLE = frozenset({Status.ISSUED, Status.SENT, Status.ACCEPTED})
