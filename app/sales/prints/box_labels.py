"""Labels of the boxes of a sales invoice: one for each box that was packed, or a number of equal ones."""

from __future__ import annotations

from datetime import UTC
from itertools import repeat

from app.pdf.labels.sheets import Label, LabelPaper, build_labels
from app.pdf.print_queue import Document
from app.sales.models.invoices import SalesInvoice
from app.sales.prints.pick_slip import address_lines
from app.sales.prints.translations import LABELS


def build_document(invoice: SalesInvoice, language: str, paper: LabelPaper, start: int, copies: int) -> Document:
    """The labels of an invoice that is loaded in full; with ``copies`` 0 one for each packed box."""
    label = LABELS[language]
    head = {
        "language": language,
        "title": f"{label['box_labels']} {invoice.invoice_no}",
        "author": invoice.customer.name,
        "timestamp": invoice.updated_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    boxes = invoice.label_count
    if copies or boxes is None:
        labels = repeat(_label(invoice, label, ""), copies or 1)
        return build_labels(labels, head, paper, start)
    numbered = (_label(invoice, label, f"{label['box']} {box} / {boxes}") for box in range(1, boxes + 1))
    return build_labels(numbered, head, paper, start)


def count_labels(invoice: SalesInvoice, copies: int) -> int:
    """The number of labels that ``build_document`` makes."""
    return copies or invoice.label_count or 1


def _label(invoice: SalesInvoice, label: dict[str, str], box: str) -> Label:
    customer, delivery = invoice.customer, invoice.delivery
    urgent = label["HIGH"] if invoice.priority == "HIGH" else ""
    way = (delivery.courier.name if delivery.courier else "", delivery.tracking_no) if delivery else ()
    known = " · ".join(filter(None, (customer.code, customer.phone1)))
    return Label(
        number=invoice.invoice_no,
        headline=" · ".join(filter(None, (box, urgent))),
        main=((customer.name, ""), *(("", line) for line in address_lines(invoice))),
        details=tuple(filter(None, (known, " ".join(filter(None, way))))),
    )
