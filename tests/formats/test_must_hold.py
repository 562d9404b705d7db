"""What the readiness calls ready is written, and keeps every rule; the same amount in each format, the same bytes."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from app.einvoices.pdf.hybrid_print import print_factur_x
from app.formats.canonical import Format, Invoice
from app.formats.document_reader import Source
from app.formats.hybrid_pdf import embedded_invoice
from app.formats.targets.not_writable import NotWritable
from app.formats.writers.document_writer import write_document
from app.rules.document_check import check_document
from app.rules.findings import Severity
from app.rules.official.official_sets import find_sets
from app.rules.official.second_opinion import official_opinion
from app.rules.profiles import LegalProfile
from app.rules.readiness.profile_gaps import find_gaps
from app.rules.sums.exact import verdict
from bench.bench_pdf import invoice_data
from tests.formats.hub_invoices import KINDS
from tests.formats.incomplete_invoices import spoiled

#: Random invoices of each case; the short form of the drills has fewer.
INVOICES = 30 if os.environ.get("SHORT") else 150
#: The documents of each profile; the CII of Factur-X is inside a PDF.
_DOCUMENTS = {
    LegalProfile.EN16931: (Format.UBL, Format.CII),
    LegalProfile.FACTUR_X: (Format.CII,),
    LegalProfile.UBL_TR: (Format.UBL_TR,),
    LegalProfile.INV01: (Format.INV01,),
}
#: What the page of a hybrid PDF shows; the document inside is another matter.
_PRINTED, _MOMENT = invoice_data(1), datetime(2026, 2, 1, 12, tzinfo=UTC)
_UUID = "0f2e6a1c-9b3d-4c57-8e21-5a7d90c4b1e6"
Judge = Callable[[bytes, Invoice], Iterator[str]]


def issued(seed: int, kind: str | None = None) -> Invoice:
    """The invoice as its issue makes it."""
    form = spoiled(seed, kind)
    return replace(form, uuid=form.uuid or _UUID)


def own_faults(content: bytes, _form: Invoice) -> Iterator[str]:
    """Errors of the schema and of the rules in Python, and sums that do not follow."""
    check = check_document(Source(content))
    yield from (f"{each.rule}: {each.message}" for each in check.findings if each.severity is Severity.ERROR)
    sums = verdict(check.invoice)
    yield from (f"{each.field} {each.got} {each.expected}" for each in sums.findings)


def official_faults(content: bytes, form: Invoice) -> Iterator[str]:
    """Errors of the official rules."""
    found = official_opinion(content, form, find_sets(None)).findings
    yield from (f"official {each.rule}: {each.message}" for each in found if each.severity is Severity.ERROR)


def hybrid_faults(content: bytes, _form: Invoice) -> Iterator[str]:
    """What is wrong with the PDF/A-3b around a CII: the CII is read back from it, byte for byte."""
    pdf = print_factur_x(_PRINTED, content, _MOMENT)
    if embedded_invoice(pdf) != content:
        yield "the document inside is another"
    catalog = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    files = [(each.get_object()["/UF"], each.get_object()["/AFRelationship"]) for each in catalog["/AF"]]
    if files != [("factur-x.xml", "/Alternative")]:
        yield f"the attachments are {files}"
    if b'pdfaid:part="3" pdfaid:conformance="B"' not in catalog["/Metadata"].get_object().get_data():
        yield "the metadata names no PDF/A-3b"


def judges_of(profile: LegalProfile, *judges: Judge) -> tuple[Judge, ...]:
    return (*judges, hybrid_faults) if profile is LegalProfile.FACTUR_X else judges


def faults_of(form: Invoice, profile: LegalProfile, judges: tuple[Judge, ...]) -> list[str]:
    found: list[str] = []
    for target in _DOCUMENTS[profile]:
        try:
            document = write_document(form, target)
        except NotWritable as error:
            found += [f"{target} cannot say {each.field}: {each.message}" for each in error.problems]
            continue
        found += [f"{target} {fault}" for judge in judges for fault in judge(document.content, document.form)]
    return found


def hold(seeds: range, profile: LegalProfile, *judges: Judge, kind: str | None = None) -> None:
    """No invoice is called ready in whose documents a fault is found; there are ready and unready ones."""
    ready, wrong = 0, {}
    for seed in seeds:
        form = issued(seed, kind)
        if any(each.severity is Severity.ERROR for each in find_gaps(form, profile)):
            continue
        ready += 1
        if faults := faults_of(form, profile, judges_of(profile, *judges)):
            wrong[seed] = faults
    assert wrong == {}
    assert 0 < ready < len(seeds)


@pytest.mark.parametrize(
    "profile",
    [pytest.param(each, marks=pytest.mark.slow) if each is LegalProfile.FACTUR_X else each for each in _DOCUMENTS],
)
def test_what_is_ready_keeps_the_rules(profile: LegalProfile) -> None:
    hold(range(60), profile, own_faults)


@pytest.mark.drill
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("profile", _DOCUMENTS)
def test_what_is_ready_keeps_the_official_rules(profile: LegalProfile, kind: str) -> None:
    start = 100 + 150 * KINDS.index(kind)
    hold(range(start, start + INVOICES), profile, own_faults, official_faults, kind=kind)


_PROGRAM = """
import hashlib
from tests.einvoices.pdf.test_hybrid_print import printed
print(hashlib.sha256(printed()).hexdigest())
"""


@pytest.mark.drill
def test_a_hybrid_pdf_has_the_same_bytes_in_three_processes() -> None:
    root = Path(__file__).resolve().parents[2]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", _PROGRAM],
            cwd=root,
            env={**os.environ, "PYTHONHASHSEED": seed},
            stdout=subprocess.PIPE,
            text=True,
        )
        for seed in ("1", "2", "3")
    ]
    answers = [run.communicate(timeout=120)[0].strip() for run in runs]
    assert len(set(answers)) == 1
    assert len(answers[0]) == len(hashlib.sha256().hexdigest())
