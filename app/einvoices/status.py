"""Status and type of an e-invoice, and the statuses in which each action is allowed."""

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


CANCELLABLE = frozenset({Status.DRAFT, Status.ISSUED})
SENDABLE = frozenset({Status.ISSUED, Status.REJECTED})
CREDITABLE = frozenset({Status.ISSUED, Status.SENT, Status.ACCEPTED})
