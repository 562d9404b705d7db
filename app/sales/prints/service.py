"""Pick slips and box labels on demand: find the print of an invoice as it is now, or ask a worker for it."""

from __future__ import annotations

import dataclasses

from flask import current_app

from app.celery_config import Queue
from app.extensions import db
from app.kernel.unit_of_work import after_commit, unit_of_work
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState
from app.pdf import on_demand, print_queue
from app.pdf.files import StoredPdf
from app.pdf.labels.sheets import LABELS_PER_SHEET, SHEETS_PER_PART, LabelPaper
from app.sales.errors import PrintNotReady
from app.sales.models.invoices import SalesInvoice
from app.sales.models.prints import SalesPaper, SalesPrint
from app.sales.prints import box_labels, pick_slip
from app.sales.queries import lookup

trigger_printer = DebouncedTask("sales.print_papers")
#: The caller is an import key, which belongs to no user.
_NO_USER = 0


def find_pick_slip(invoice_id: int, user_id: int | None) -> StoredPdf:
    """The pick slip of an invoice.

    Raises:
        UnknownInvoice: there is no such invoice.
        PrintNotReady: a worker makes it, or its rendering has failed.
    """
    return _stored(request_pick_slip(invoice_id, user_id))


def find_box_labels(
    invoice_id: int, user_id: int | None, *, paper: LabelPaper, start: int = 1, copies: int = 0
) -> StoredPdf:
    """The labels of the boxes of an invoice; see ``box_labels.build_document``.

    Raises:
        UnknownInvoice: there is no such invoice.
        PrintNotReady: a worker makes them, or their rendering has failed.
    """
    return _stored(request_box_labels(invoice_id, user_id, paper=paper, start=start, copies=copies))


def request_pick_slip(invoice_id: int, user_id: int | None) -> on_demand.Answer:
    """The pick slip, or the state of its rendering."""
    invoice = lookup.find(invoice_id)
    is_short = len(invoice.items) <= pick_slip.LINES_PER_PART
    return _request(invoice, SalesPaper.PICK_SLIP, user_id, is_short=is_short)


def request_box_labels(
    invoice_id: int, user_id: int | None, *, paper: LabelPaper, start: int = 1, copies: int = 0
) -> on_demand.Answer:
    """The labels of the boxes, or the state of their rendering."""
    invoice = lookup.find(invoice_id)
    is_short = box_labels.count_labels(invoice, copies) <= LABELS_PER_SHEET * SHEETS_PER_PART
    place = start if paper == LabelPaper.A4 else 1
    return _request(
        invoice, SalesPaper.BOX_LABELS, user_id, is_short=is_short, paper=paper.value, start=place, copies=copies
    )


def print_due() -> bool:
    """Render the papers that are due, after old ones were thrown away; true if work may be left."""
    with unit_of_work():
        on_demand.purge(PRINT_QUEUE)
    return print_queue.print_due(PRINT_QUEUE)


def _request(
    invoice: SalesInvoice, kind: SalesPaper, user_id: int | None, *, is_short: bool, **choice: str | int
) -> on_demand.Answer:
    key = {
        "invoice_id": invoice.id,
        "kind": kind.value,
        "paper": LabelPaper.A4.value,
        "start": 1,
        "copies": 0,
        **choice,
    }
    customer = invoice.customer
    answer = on_demand.find_or_request(
        PRINT_QUEUE,
        key,
        version=on_demand.version_of(invoice.updated_at, invoice.label_count, customer.updated_at, _language()),
        user_id=_NO_USER if user_id is None else user_id,
        is_short=is_short,
        name=f"{kind.value.replace('_', '-')}-{invoice.invoice_no}.pdf",
    )
    if answer.state == WorkState.PENDING:
        after_commit(trigger_printer)
    return answer


def _stored(answer: on_demand.Answer) -> StoredPdf:
    if answer.stored is None:
        raise PrintNotReady(answer.state, answer.error)
    return answer.stored


def _compose(invoice_id: int, kind: str, paper: str, start: int, copies: int) -> print_queue.Document:
    invoice = lookup.find(invoice_id)
    row = db.session.get(SalesPrint, (invoice_id, kind, paper, start, copies))
    user_id = row.user_id if row else None
    if kind == SalesPaper.PICK_SLIP:
        return pick_slip.build_document(invoice, _language(), user_id)
    document = box_labels.build_document(invoice, _language(), LabelPaper(paper), start, copies)
    return dataclasses.replace(document, owner_id=user_id)


def _language() -> str:
    language: str = current_app.config["DOCUMENT_LANGUAGE"]
    return language


def _stem(invoice_id: int, kind: str, paper: str, start: int, copies: int) -> str:
    return f"{on_demand.FOLDER}/sales/{invoice_id}-{kind}-{paper}-{start}-{copies}"


PRINT_QUEUE = print_queue.register_queue(
    print_queue.PrintQueue(
        SalesPrint,
        compose=_compose,
        stem=_stem,
        is_short=SalesPrint.is_short,
        owner=SalesPrint.user_id,
        lane=Queue.PREVIEWS,
    )
)
