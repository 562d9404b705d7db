"""Behaviours of a simulated provider: what it stores, what it answers, and what it reports afterwards.

The provider ``simulator`` inside the hub and the server ``flask provider-simulator`` both read this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.kernel.messages import N_


class Answer(StrEnum):
    """What becomes of the answer to a sending."""

    WHOLE = "whole"
    SLOW = "slow"
    #: 422.
    REFUSED = "refused"
    #: 503.
    FAILED = "failed"
    CUT = "cut"
    HALF = "half"
    UNREADABLE = "unreadable"
    HANGING = "hanging"


@dataclass(frozen=True, slots=True)
class Report:
    """A later report of a status; ``due`` and ``occurred`` are seconds after the e-invoice was stored."""

    word: str
    due: float = 0.0
    occurred: float = 0.0


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a simulated provider does with an e-invoice.

    Attributes:
        explanation: shown on the page of the server.
        answer: what becomes of the answer.
        stores: whether the e-invoice is stored.
        reports: reports in the order of their arrival.
    """

    explanation: str
    answer: Answer = Answer.WHOLE
    stores: bool = True
    reports: tuple[Report, ...] = (Report("accepted"),)

    @property
    def is_answered(self) -> bool:
        """Whether a readable answer says that the e-invoice was stored."""
        return self.answer in {Answer.WHOLE, Answer.SLOW}

    @property
    def last(self) -> Report:
        """The report that occurs last; its word is the final one."""
        return max(self.reports, key=lambda report: report.occurred)


DEFAULT = "accept"
#: Word of the answer when reports follow.
RECEIVED = "received"
BEHAVIOURS: Mapping[str, Behaviour] = {
    DEFAULT: Behaviour(N_("Takes the e-invoice, and reports that it is accepted.")),
    "reject": Behaviour(N_("Takes the e-invoice, and reports that it is rejected."), reports=(Report("rejected"),)),
    "late": Behaviour(N_("Reports the acceptance after a minute."), reports=(Report("accepted", 60, 60),)),
    "duplicate": Behaviour(N_("Reports the acceptance twice."), reports=(Report("accepted"), Report("accepted"))),
    "out_of_order": Behaviour(
        N_("Reports the acceptance first, and an older status after it."),
        reports=(Report("accepted"), Report("processing", 1, -1)),
    ),
    "slow": Behaviour(N_("Takes the e-invoice, and answers after some seconds."), Answer.SLOW),
    "refuse": Behaviour(N_("Answers 422 and stores nothing."), Answer.REFUSED, stores=False),
    "fail": Behaviour(N_("Answers 503 and stores nothing."), Answer.FAILED, stores=False),
    "cut": Behaviour(N_("Cuts the connection and stores nothing."), Answer.CUT, stores=False),
    "lost": Behaviour(N_("Stores the e-invoice and cuts the connection before the answer."), Answer.CUT),
    "half": Behaviour(N_("Stores the e-invoice and sends half of the answer."), Answer.HALF),
    "error": Behaviour(N_("Stores the e-invoice and answers 503."), Answer.FAILED),
    "garbage": Behaviour(N_("Stores the e-invoice and answers a text that is no JSON."), Answer.UNREADABLE),
    "hang": Behaviour(N_("Stores the e-invoice and does not answer for a long time."), Answer.HANGING),
}


def find(name: Any) -> Behaviour | None:
    """The behaviour with a name; None if there is none."""
    return BEHAVIOURS.get(name) if isinstance(name, str) else None


def wanted_by(document: Mapping[str, Any]) -> str | None:
    """The name of the behaviour that an e-invoice asks for in ``metadata.simulate``."""
    metadata = document.get("metadata")
    name = metadata.get("simulate") if isinstance(metadata, Mapping) else None
    return name if find(name) else None
