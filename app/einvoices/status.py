"""Status and type of an e-invoice, the hub's own words for the provider status, and when a provider rejected it."""

from __future__ import annotations

from collections.abc import Mapping
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


class OwnWord(StrEnum):
    """``provider_status`` that the hub sets itself; every other word is the provider's."""

    #: It waits to be sent to the provider.
    QUEUED = "queued"
    #: It was not sent, and the provider does not have it.
    FAILED = "failed"
    #: The provider did not answer, and nobody knows whether it has the e-invoice.
    IN_DOUBT = "in_doubt"
    #: The provider has it, and no word of its own is known: a person decided so, or its word is one of these.
    TAKEN = "taken"


#: Words of providers that become the own status when they are the response to a sending.
STATUS_BY_PROVIDER_STATUS = {"accepted": Status.ACCEPTED, "rejected": Status.REJECTED}
#: The dotless and the dotted i of Turkish, and the letters that they count as.
TURKISH_I = "ıİ", "ii"
#: SQL: the provider said "rejected" after the e-invoice was sent.
REJECTED_LATER = "status IN ('sent', 'accepted') AND lower(provider_status) = 'rejected'"
#: Own status that a mapped word of the provider can set, and the statuses from which it does. A provider may take back
#: an acceptance (the buyer refuses) or a rejection; the number stays used either way.
MAPPED_FROM = {
    Status.ACCEPTED: frozenset({Status.SENT, Status.REJECTED}),
    Status.REJECTED: frozenset({Status.SENT, Status.ACCEPTED}),
}


def word_key(word: str) -> str:
    """A word of a provider without letter case; the dotless and the dotted i of Turkish count as i.

    Each letter is lowered by itself, as PostgreSQL does it: the final sigma of Greek is no case of its own.
    """
    return "".join(map(str.lower, word.translate(str.maketrans(*TURKISH_I))))


def is_own_word(word: str) -> bool:
    """Whether a word is one of the hub's own: a provider that said it would look like the hub."""
    return word_key(word) in set(OwnWord)


def meaning_of(word: str | None, mapping: Mapping[str, str] | None) -> str | None:
    """The status that a word of the provider stands for, if any; with a mapping only the words that it lists count."""
    known: Mapping[str, str] = STATUS_BY_PROVIDER_STATUS if mapping is None else mapping
    return known.get(word_key(word or ""))


def is_rejected(status: str, meaning: str | None) -> bool:
    """Whether the provider rejected it: by its response to the sending, or later by a status report.

    A later report also takes an acceptance back, and a rejection when it means ``accepted``.

    Args:
        meaning: of the provider's word, see ``meaning_of``.
    """
    if status == Status.REJECTED:
        return meaning != Status.ACCEPTED
    return status in {Status.SENT, Status.ACCEPTED} and meaning == Status.REJECTED


def took_rejection_back(status: str, meaning: str | None) -> bool:
    """Whether the provider reported an acceptance after its rejection."""
    return status == Status.REJECTED and meaning == Status.ACCEPTED
