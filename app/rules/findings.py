"""``RuleFinding``: what a rule says against a document."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFinding:
    """What a rule says against a document.

    ``field`` is the place in the canonical form, ``terms`` are the BT ids, ``path`` is the place in the document, and
    ``rule_set`` is the name of the official set.
    """

    rule: str
    severity: Severity
    message: str
    field: str | None = None
    terms: tuple[str, ...] = ()
    path: str | None = None
    hint: str | None = None
    rule_set: str | None = None


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules that were applied: a name, the version of the package that has them, and the hash of its content."""

    name: str
    version: str
    sha256: str
