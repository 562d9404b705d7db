"""``find_gaps()``: what an invoice in the hub's own form lacks for a profile, in pure Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from uuid import UUID

from app.formats.canonical import Format, Invoice
from app.formats.targets.not_writable import NotWritable
from app.formats.writers.document_writer import form_of
from app.rules.findings import RuleFinding
from app.rules.profiles import LegalProfile
from app.rules.readiness.en_needs import core_gaps, en_gaps, peppol_gaps
from app.rules.readiness.indian_needs import indian_gaps
from app.rules.readiness.rule_gaps import gap
from app.rules.readiness.turkish_needs import turkish_gaps

#: Findings of one answer.
MOST = 500


def _peppol(invoice: Invoice) -> Iterator[RuleFinding]:
    yield from core_gaps(invoice)
    yield from peppol_gaps(invoice)


_NEEDS: Mapping[LegalProfile, Callable[[Invoice], Iterator[RuleFinding]]] = {
    LegalProfile.EN16931: en_gaps,
    LegalProfile.PEPPOL: _peppol,
    LegalProfile.FACTUR_X: en_gaps,
    LegalProfile.UBL_TR: turkish_gaps,
    LegalProfile.INV01: indian_gaps,
}

#: The formats of the documents of a profile: what they cannot say is a gap too.
_TARGETS: Mapping[LegalProfile, tuple[Format, ...]] = {
    LegalProfile.EN16931: (Format.UBL, Format.CII),
    LegalProfile.PEPPOL: (Format.UBL,),
    LegalProfile.FACTUR_X: (Format.CII,),
    LegalProfile.UBL_TR: (Format.UBL_TR,),
    LegalProfile.INV01: (Format.INV01,),
}
#: A draft has no UUID: its issue draws one.
_UUID_OF_THE_ISSUE = str(UUID(int=0))


def find_gaps(invoice: Invoice, profile: LegalProfile) -> tuple[RuleFinding, ...]:
    """All that is missing or wrong, at most ``MOST`` findings; warnings are no obstacle."""
    return tuple(islice(_gaps(invoice, profile), MOST))


def _gaps(invoice: Invoice, profile: LegalProfile) -> Iterator[RuleFinding]:
    fields: set[str | None] = set()
    for each in _NEEDS[profile](invoice):
        fields.add(each.field)
        yield each
    try:
        for target in _TARGETS[profile]:
            form_of(replace(invoice, uuid=invoice.uuid or _UUID_OF_THE_ISSUE), target)
    except NotWritable as error:
        for problem in error.problems:
            if problem.field not in fields:
                yield gap("NOT-WRITABLE", problem.field, problem.message)
