"""``find_gaps()``: what an invoice in the hub's own form lacks for a profile, in pure Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from app.formats.canonical import Invoice
from app.rules.findings import RuleFinding
from app.rules.profiles import LegalProfile
from app.rules.readiness.en_needs import en_gaps, peppol_gaps
from app.rules.readiness.indian_needs import indian_gaps
from app.rules.readiness.turkish_needs import turkish_gaps

#: Findings of one answer.
MOST = 500


def _peppol(invoice: Invoice) -> Iterator[RuleFinding]:
    yield from en_gaps(invoice)
    yield from peppol_gaps(invoice)


_NEEDS: Mapping[LegalProfile, Callable[[Invoice], Iterator[RuleFinding]]] = {
    LegalProfile.EN16931: en_gaps,
    LegalProfile.PEPPOL: _peppol,
    LegalProfile.FACTUR_X: en_gaps,
    LegalProfile.UBL_TR: turkish_gaps,
    LegalProfile.INV01: indian_gaps,
}


def find_gaps(invoice: Invoice, profile: LegalProfile) -> tuple[RuleFinding, ...]:
    """All that is missing or wrong, at most ``MOST`` findings; warnings are no obstacle."""
    found: list[RuleFinding] = []
    for each in _NEEDS[profile](invoice):
        found.append(each)
        if len(found) == MOST:
            break
    return tuple(found)
