"""Findings of the doctor: the result of one check, and the action that repairs it."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class State(enum.Enum):
    """Result of a check."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "FAULT"


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check; ``remedy`` is the action that repairs it."""

    subject: str
    state: State
    message: str
    remedy: str = ""
