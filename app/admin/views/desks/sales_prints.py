"""``/admin/sales/{id}/pick-slip`` and ``box-labels``: the papers of the sales floor, as soon as they are made."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for

from app.accounts.guards import requires
from app.accounts.principals import authenticate
from app.admin.list_query import parse_filters
from app.pdf import files
from app.pdf.labels.sheets import LABELS_PER_SHEET, LabelPaper
from app.sales.prints import service
from app.sales.queries import lookup
from app.sales.schemas.prints import MAX_COPIES, BoxLabelsQuery

blp = Blueprint("sales_prints", __name__, url_prefix="/sales/<int:invoice_id>")


@blp.get("/pick-slip")
@requires("sales:read")
def pick_slip(invoice_id: int) -> str:
    """The pick slip."""
    return render_template(
        "admin/pick_slip_show.html",
        invoice=lookup.find(invoice_id),
        answer=service.request_pick_slip(invoice_id, authenticate().user_id),
        pdf_url=url_for("admin.sales_prints.pick_slip_pdf", invoice_id=invoice_id),
    )


@blp.get("/pick-slip.pdf")
@requires("sales:read")
def pick_slip_pdf(invoice_id: int) -> Response:
    """The pick slip as PDF."""
    stored = service.find_pick_slip(invoice_id, authenticate().user_id)
    return files.send_pdf(stored, download="download" in request.args)


@blp.get("/box-labels")
@requires("sales:read")
def box_labels(invoice_id: int) -> str:
    """The choice of paper, place and number; after a choice the labels too."""
    filters = parse_filters(BoxLabelsQuery())
    is_chosen = "paper" in request.args and not filters.errors
    choice = _choice(filters.values)
    return render_template(
        "admin/box_labels_show.html",
        invoice=lookup.find(invoice_id),
        typed=filters.raw,
        errors=filters.errors,
        places=LABELS_PER_SHEET,
        most_copies=MAX_COPIES,
        answer=service.request_box_labels(invoice_id, authenticate().user_id, **choice) if is_chosen else None,
        pdf_url=_labels_url(invoice_id, choice),
    )


@blp.get("/box-labels.pdf")
@requires("sales:read")
def box_labels_pdf(invoice_id: int) -> Response:
    """The labels as PDF."""
    choice = _choice(parse_filters(BoxLabelsQuery()).values)
    stored = service.find_box_labels(invoice_id, authenticate().user_id, **choice)
    return files.send_pdf(stored, download="download" in request.args)


def _labels_url(invoice_id: int, choice: dict[str, Any]) -> str:
    paper, start, copies = choice["paper"].value, choice["start"], choice["copies"] or None
    return url_for("admin.sales_prints.box_labels_pdf", invoice_id=invoice_id, paper=paper, start=start, copies=copies)


def _choice(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "paper": LabelPaper(values["paper"]),
        "start": int(values["start"]),
        "copies": int(values.get("copies", 0)),
    }
