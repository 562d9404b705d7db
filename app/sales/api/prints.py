"""``/api/sales/invoices/{id}/pick-slip.pdf`` and ``box-labels.pdf``: the papers of the sales floor."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from app.accounts.guards import requires
from app.accounts.principals import authenticate
from app.kernel.errors import RangeNotSatisfiable
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.kernel.storage.file_store import StorageUnavailable
from app.pdf import files
from app.pdf.labels.sheets import LabelPaper
from app.sales.errors import PrintNotReady, UnknownInvoice
from app.sales.prints import service
from app.sales.schemas.prints import BoxLabelsQuery

blp = ApiBlueprint(
    "Sales papers",
    __name__,
    url_prefix="/api/sales/invoices/<int:invoice_id>",
    description="The pick slip of a sales invoice and the labels of its boxes, as PDF.",
)


@blp.route("/pick-slip.pdf")
class PickSlip(MethodView):
    @requires("sales:read")
    @refuses(UnknownInvoice, PrintNotReady, RangeNotSatisfiable, StorageUnavailable)
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, invoice_id: int) -> Response:
        """Fetch the pick slip: the lines in the order of the shelves, with batch and expiry.

        It is made when you ask for it: 404 with `state` until it exists, `pending` (ask again after `Retry-After`) or
        `failed` (with `reason`). After a change of the invoice it is made again; it is kept for ten minutes.
        """
        return files.send_pdf(service.find_pick_slip(invoice_id, authenticate().user_id), download=False)


@blp.route("/box-labels.pdf")
class BoxLabels(MethodView):
    @requires("sales:read")
    @refuses(UnknownInvoice, PrintNotReady, RangeNotSatisfiable, StorageUnavailable)
    @blp.arguments(BoxLabelsQuery, location="query")
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, query: dict[str, Any], invoice_id: int) -> Response:
        """Fetch the labels of the boxes: customer, address, box number, and a QR code with the `invoice_no`.

        One for each box that was labelled at the end of packing (`label_count`), or `copies` equal ones. They are made
        as the pick slip is.
        """
        stored = service.find_box_labels(
            invoice_id,
            authenticate().user_id,
            paper=LabelPaper(query["paper"]),
            start=int(query["start"]),
            copies=int(query.get("copies", 0)),
        )
        return files.send_pdf(stored, download=False)
