"""``cen_findings()``: the business rules of EN 16931 and of XRechnung, in pure Python."""

from __future__ import annotations

from decimal import localcontext
from functools import cache
from importlib import metadata
from typing import Any

import structlog

from app.rules.findings import RuleFinding, RuleSet, Severity
from app.rules.fingerprints import package_sha256
from app.rules.sums.decimals import EXACT
from app.rules.terms import FIELDS

_PACKAGE = "verifyhash-einvoice"
log = structlog.get_logger(__name__)
_NOT_CHECKED = {
    "rule": "NOT-CHECKED",
    "severity": "fatal",
    "message": "The business rules could not be applied to this document.",
    "terms": (),
    "location": None,
    "element": None,
    "fix_hint": None,
}
_SEVERITIES = {"fatal": Severity.ERROR, "warning": Severity.WARNING}


def cen_findings(content: bytes, profile: str) -> tuple[RuleSet, list[RuleFinding]]:
    """What the rules say. ``profile`` is ``en16931`` or ``xrechnung``; ``content`` is UBL or CII."""
    import einvoice  # noqa: PLC0415 - a quarter of a second, and most processes check nothing

    try:
        with localcontext(EXACT):  # sums of huge numbers would overflow the usual 28 digits
            violations = einvoice.validate_bytes(content, profile=profile)["violations"]
    except Exception:  # a fault of the package must not hide what the schema found
        log.exception("business_rules_failed", profile=profile)
        violations = [_NOT_CHECKED]
    return RuleSet(profile, _version(), package_sha256(_PACKAGE)), [_finding(each) for each in violations]


@cache
def _version() -> str:
    return metadata.version(_PACKAGE)


def _finding(violation: dict[str, Any]) -> RuleFinding:
    terms = tuple(violation["terms"])
    return RuleFinding(
        rule=violation["rule"],
        severity=_SEVERITIES.get(violation["severity"], Severity.INFORMATION),
        message=violation["message"],
        field=next((FIELDS[term] for term in terms if term in FIELDS), None),
        terms=terms,
        path=violation["location"] or violation["element"],
        hint=violation["fix_hint"],
    )
