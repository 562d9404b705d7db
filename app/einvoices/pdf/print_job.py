"""Print job of e-invoices: the stored PDF, rendering of due and missing PDFs, and the print queue definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.ownership import Scope
from app.einvoices.documents.canonical_form import IssueFacts, issue_facts_of
from app.einvoices.errors import NoPdf, PdfNotReady
from app.einvoices.events import announce_pdf
from app.einvoices.models.einvoices import Einvoice, EinvoiceItem
from app.einvoices.models.sellers import SellerLogo
from app.einvoices.models.work import EinvoicePdf
from app.einvoices.pdf import context
from app.einvoices.pdf.file_names import file_stem
from app.einvoices.pdf.turkish_code import turkish_code_of
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find, find_for_update
from app.evidence.models import EvidenceRoot
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.work_queue import WorkState
from app.pdf import files, print_queue
from app.pdf.files import StoredPdf


def stored_pdf(einvoice_id: int, scope: Scope) -> StoredPdf:
    """The PDF of an e-invoice.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        PdfNotReady: the PDF is pending, or its creation has failed.
        NoPdf: the e-invoice is a draft, or the file is missing.
    """
    einvoice = find(einvoice_id, scope, items=False)
    found = files.stored_file(einvoice.pdf, f"{file_stem(einvoice)}.pdf")
    if found is None and einvoice.pdf_state in {WorkState.PENDING, WorkState.FAILED}:
        raise PdfNotReady(einvoice.pdf_state)
    if found is None:
        raise NoPdf
    return found


def print_due() -> bool:
    """Render the PDFs that are due; true when the time budget ended and work may be left."""
    return print_queue.print_due(PRINT_QUEUE)


def schedule(einvoice_id: int) -> None:
    """Make the PDF of an e-invoice due; a worker that is rendering its old state loses its claim."""
    values = {
        **work_queue.reset_values(),
        "owner_id": select(Einvoice.owner_id).where(Einvoice.id == einvoice_id).scalar_subquery(),
        "is_short": is_short(einvoice_id),
    }
    # A PDF that is rendered again shows the same root, or none, as it did.
    row = insert(EinvoicePdf).values(einvoice_id=einvoice_id, root_day=_newest_root(einvoice_id), **values)
    db.session.execute(row.on_conflict_do_update(index_elements=[EinvoicePdf.einvoice_id], set_=values))


def _newest_root(einvoice_id: int) -> Any:
    if not current_app.config["PRINT_ROOTS"]:
        return None
    query = select(func.max(EvidenceRoot.day)).join(Einvoice, Einvoice.owner_id == EvidenceRoot.owner_id)
    return query.where(Einvoice.id == einvoice_id).scalar_subquery()


def find_missing_pdfs() -> list[int]:
    """Ids of issued e-invoices whose PDF was not rendered, failed, or whose file is missing."""
    query = (
        select(Einvoice.id, EinvoicePdf.state, EinvoicePdf.path)
        .join(EinvoicePdf, isouter=True)
        .where(Einvoice.number.is_not(None))
        .order_by(Einvoice.id)
    )
    with unit_of_work():
        rows = [(each, path if state == WorkState.DONE else None) for each, state, path in db.session.execute(query)]
    missing = set(files.missing_of(path for _, path in rows if path))
    return [einvoice_id for einvoice_id, path in rows if not path or path in missing]


def print_now(einvoice_id: int) -> bool:
    """Render one PDF now, regardless of earlier attempts; false when it failed."""
    with unit_of_work():
        schedule(einvoice_id)
    print_queue.print_next(PRINT_QUEUE, EinvoicePdf.einvoice_id == einvoice_id)
    return print_queue.is_done(PRINT_QUEUE, EinvoicePdf.einvoice_id == einvoice_id)


def read_context(
    einvoice_id: int, prepare_logo: Callable[[SellerLogo], SellerLogo] = lambda logo: logo
) -> tuple[Einvoice, dict[str, Any]]:
    """An issued e-invoice, and the template context of its PDF."""
    einvoice = load_printed(einvoice_id)
    data = context_of(einvoice, issue_facts_of(einvoice), prepare_logo)
    data["root"] = _printed_root(einvoice)
    return einvoice, data


def load_printed(einvoice_id: int) -> Einvoice:
    """An e-invoice or a draft with what its print shows."""
    query = select(Einvoice).where(Einvoice.id == einvoice_id)
    options = (selectinload(Einvoice.items), joinedload(Einvoice.original))
    found: Einvoice = db.session.scalars(query.options(*options).execution_options(populate_existing=True)).one()
    return found


def context_of(
    einvoice: Einvoice, facts: IssueFacts, prepare_logo: Callable[[SellerLogo], SellerLogo] = lambda logo: logo
) -> dict[str, Any]:
    """The template context of a loaded e-invoice or draft."""
    logo_hash = facts.seller.get("logo_sha256")
    logo = db.session.get(SellerLogo, logo_hash) if logo_hash else None
    shown = prepare_logo(logo) if logo else None
    original_no = einvoice.original.invoice_no if einvoice.original else None
    return context.build_context(einvoice, facts, original_no, shown, turkish_code_of(einvoice))


def document_of(data: dict[str, Any], waiting_user: int | None) -> print_queue.Document:
    """The print document of a template context."""
    parts = context.split_into_parts(data)
    word = data["label"]["page"] if len(parts) > 1 else None
    return print_queue.Document(context.TEMPLATES, context.TEMPLATE, parts, word, waiting_user)


def _compose(einvoice_id: int) -> print_queue.Document:
    einvoice, data = read_context(einvoice_id)
    return document_of(data, einvoice.owner_id)


def _printed_root(einvoice: Einvoice) -> EvidenceRoot | None:
    pdf = db.session.get(EinvoicePdf, einvoice.id)
    if pdf is None or pdf.root_day is None:
        return None
    found: EvidenceRoot | None = db.session.get(EvidenceRoot, (einvoice.owner_id, pdf.root_day))
    return found


def is_short(einvoice_id: int) -> ColumnElement[bool]:
    """Whether an e-invoice is one part: the sum of ``context.item_weight`` in SQL."""
    text_length = func.char_length(EinvoiceItem.name) + func.char_length(func.coalesce(EinvoiceItem.sku, ""))
    weight = select(func.sum(context.ROW_WEIGHT + text_length)).where(EinvoiceItem.einvoice_id == einvoice_id)
    return func.coalesce(weight.scalar_subquery(), 0) <= context.PART_WEIGHT


def _stem(einvoice_id: int) -> str:
    return f"einvoices/{einvoice_id // 1000}/{einvoice_id}"


def _announce(einvoice_id: int, size: int) -> None:
    """Stamp the e-invoice, whose PDF fields in lists have changed, and emit the event of the new file."""
    einvoice = find(einvoice_id, None, items=False)
    einvoice.updated_at = change_clock.stamp()
    db.session.flush()
    if einvoice.pdf is not None and einvoice.pdf.sha256 is not None:
        announce_pdf(einvoice, einvoice.pdf.sha256, size)


PRINT_QUEUE = print_queue.register_queue(
    print_queue.PrintQueue(
        EinvoicePdf,
        compose=_compose,
        stem=_stem,
        lock=lambda einvoice_id: find_for_update(einvoice_id, None),
        changed=_announce,
        is_short=EinvoicePdf.is_short,
        owner=EinvoicePdf.owner_id,
    )
)
