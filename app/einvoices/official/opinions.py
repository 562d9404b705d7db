"""What rows store of an opinion of the official rules, and of a check that failed."""

from __future__ import annotations

from typing import Any

from app.formats.errors import UnreadableDocument
from app.kernel import clock
from app.kernel.messages import N_
from app.rules.official.second_opinion import Opinion
from app.rules.official.xslt_processor import UnusableRuleSet

#: Stored instead of an unexpected error, whose text may have paths and other internals.
UNEXPECTED_FAILURE = N_("An unexpected error. The administrator finds it in the log of the worker as check_failed.")
_NO_FILE = N_("The file of the document is missing.")


def reason_of(error: Exception) -> str:
    """What a row says about a check that failed."""
    if isinstance(error, FileNotFoundError):
        return _NO_FILE
    return str(error) if isinstance(error, UnreadableDocument | UnusableRuleSet) else UNEXPECTED_FAILURE


def opinion_facts(opinion: Opinion) -> dict[str, Any]:
    """The opinion as rows store it."""
    return {
        "valid": opinion.is_valid,
        "checked_at": clock.now().isoformat(),
        "rule_sets": [
            {"name": each.name, "version": each.version, "sha256": each.sha256} for each in opinion.rule_sets
        ],
        "findings": [
            {
                "rule": each.rule,
                "severity": each.severity.value,
                "message": each.message,
                "path": each.path,
                "rule_set": each.rule_set,
            }
            for each in opinion.findings
        ],
    }
