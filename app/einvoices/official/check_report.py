"""What the official rules say about all stored documents, and which verdicts a newer set changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import aliased

from app.accounts.ownership import Scope
from app.einvoices.models.documents import EinvoiceDocument, EinvoiceOfficialCheck
from app.einvoices.models.einvoices import Einvoice
from app.extensions import db
from app.kernel.worker.work_queue import WorkState

_ERROR = "error"


@dataclass(frozen=True, slots=True)
class FormatCounts:
    """Documents of one format: valid, faulty, without a rule set, waiting, and those whose check failed."""

    format: str
    valid: int
    faulty: int
    without_set: int
    waiting: int
    failed: int


@dataclass(frozen=True, slots=True)
class FaultyDocument:
    """A document in which the official rules find an error.

    Attributes:
        rule_sets: name and version of each, as ``en16931 1.3.16``.
        rules: the rules that are broken.
        is_new: the sets that checked it before found no error.
    """

    einvoice_id: int
    invoice_no: str
    format: str
    version: int
    rule_sets: tuple[str, ...]
    rules: tuple[str, ...]
    is_new: bool


def count_by_format() -> list[FormatCounts]:
    """The numbers of all formats that have official rules."""
    check, is_done = EinvoiceOfficialCheck, EinvoiceOfficialCheck.state == WorkState.DONE
    conditions: tuple[ColumnElement[bool], ...] = (
        is_done & check.is_valid.is_(True),
        is_done & check.is_valid.is_(False),
        is_done & check.is_valid.is_(None),
        check.state == WorkState.PENDING,
        check.state == WorkState.FAILED,
    )
    numbers = [func.count().filter(condition) for condition in conditions]
    query = select(EinvoiceDocument.format, *numbers).join(check, check.document_id == EinvoiceDocument.id)
    rows = db.session.execute(query.group_by(EinvoiceDocument.format).order_by(EinvoiceDocument.format))
    return [FormatCounts(*row) for row in rows]


def list_faulty(most: int) -> list[FaultyDocument]:
    """Documents in which the official rules find an error, the newest first; earlier versions are not listed."""
    query = faulty_checks(None).add_columns(Einvoice.id, Einvoice.invoice_no, EinvoiceDocument)
    rows = db.session.execute(query.order_by(EinvoiceDocument.id.desc()).limit(most))
    return [_faulty(*row) for row in rows]


def faulty_checks(scope: Scope) -> Select[Any]:
    """The checks that found an error, of the e-invoices of ``scope``."""
    return _of_newest(EinvoiceOfficialCheck.is_valid.is_(False), scope)


def failed_checks(scope: Scope) -> Select[Any]:
    """The checks that could not be made."""
    return _of_newest(EinvoiceOfficialCheck.state == WorkState.FAILED, scope)


def _of_newest(condition: ColumnElement[bool], scope: Scope) -> Select[Any]:
    """Checks of the newest version of each format: it takes the place of an earlier one that was faulty."""
    later = aliased(EinvoiceDocument)
    is_newest = ~(
        select(later.id)
        .where(later.einvoice_id == EinvoiceDocument.einvoice_id, later.format == EinvoiceDocument.format)
        .where(later.version > EinvoiceDocument.version)
        .exists()
    )
    query = (
        select(EinvoiceOfficialCheck)
        .join(EinvoiceDocument, EinvoiceDocument.id == EinvoiceOfficialCheck.document_id)
        .join(Einvoice, Einvoice.id == EinvoiceDocument.einvoice_id)
        .where(condition, is_newest)
    )
    return query if scope is None else query.where(Einvoice.owner_id == scope)


def _faulty(check: EinvoiceOfficialCheck, einvoice_id: int, number: str, document: EinvoiceDocument) -> FaultyDocument:
    opinion = check.opinion or {"rule_sets": (), "findings": ()}
    broken = (each["rule"] for each in opinion["findings"] if each["severity"] == _ERROR)
    return FaultyDocument(
        einvoice_id=einvoice_id,
        invoice_no=number,
        format=document.format,
        version=document.version,
        rule_sets=tuple(f"{each['name']} {each['version']}" for each in opinion["rule_sets"]),
        rules=tuple(dict.fromkeys(broken)),
        is_new=bool(check.previous and check.previous["valid"]),
    )
