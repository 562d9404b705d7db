"""``peppol_findings()``: the rules of Peppol BIS Billing 3.0 that EN 16931 does not have."""

from __future__ import annotations

from decimal import localcontext
from itertools import chain, islice
from pathlib import Path

from app.formats.xml_tree import Node
from app.rules.findings import RuleFinding, RuleSet, Severity
from app.rules.fingerprints import sources_sha256
from app.rules.peppol.broken_rules import BrokenRule
from app.rules.peppol.document_rules import document_rules
from app.rules.peppol.identifier_rules import identifier_rules
from app.rules.peppol.line_rules import line_rules
from app.rules.sums.decimals import EXACT
from app.rules.terms import FIELDS

#: Peppol BIS Billing 3.0.
RULES = RuleSet("peppol", "3.0", sources_sha256(Path(__file__).parent.glob("*.py")))
_MOST = 500


def peppol_findings(root: Node) -> list[RuleFinding]:
    """The broken rules, at most 500."""
    with localcontext(EXACT):
        broken = chain(document_rules(root), line_rules(root), identifier_rules(root))
        return [_finding(each) for each in islice(broken, _MOST)]


def _finding(broken: BrokenRule) -> RuleFinding:
    rule = broken.rule if broken.rule.startswith("PEPPOL") else f"PEPPOL-EN16931-{broken.rule}"
    field = next((FIELDS[term] for term in broken.terms if term in FIELDS), None)
    return RuleFinding(
        rule=rule,
        severity=Severity.ERROR,
        message=broken.message,
        field=field,
        terms=broken.terms,
        path=broken.path,
        hint=f"Correct {broken.path}.",
    )
