"""``/api/invoices/{id}/papers``, ``note.pdf`` and ``labels.pdf``: the PDFs of a goods receipt."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response
from flask.views import MethodView

from app.accounts.guards import requires
from app.grn.errors import NoRolls, PaperNotMade, UnknownReceipt
from app.grn.models.papers import Paper, ReceiptPdf
from app.grn.papers import service as papers
from app.grn.schemas.papers import PAPER_EXAMPLE, PaperSchema
from app.kernel.errors import RangeNotSatisfiable
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.kernel.storage.file_store import StorageUnavailable
from app.pdf import files

blp = ApiBlueprint(
    "Papers",
    __name__,
    url_prefix="/api/invoices/<int:invoice_id>",
    description="The goods receipt note and the labels of its rolls, as PDF.",
)


@blp.route("/papers")
class Papers(MethodView):
    @requires("grn:read")
    @refuses(UnknownReceipt)
    @blp.response(200, PaperSchema(many=True), example=[PAPER_EXAMPLE, {**PAPER_EXAMPLE, "kind": "labels"}])
    def get(self, invoice_id: int) -> Sequence[ReceiptPdf]:
        """Read the state of the note and of the labels."""
        return papers.find(invoice_id)


class _Pdf(MethodView):
    """Base of the views of the two PDFs."""

    kind: Paper

    def _send(self, invoice_id: int) -> Response:
        return files.send_pdf(papers.stored_paper(invoice_id, self.kind), download=False)


@blp.route("/note.pdf")
class Note(_Pdf):
    kind = Paper.NOTE

    @requires("grn:read")
    @refuses(UnknownReceipt, RangeNotSatisfiable, StorageUnavailable, PaperNotMade)
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, invoice_id: int) -> Response:
        """Fetch the goods receipt note; `ETag` and ranges work.

        It is rendered within seconds after the receipt is created, and again after each change. Until then the
        answer is 404 with `state` and `Retry-After`. An outdated PDF is never sent.
        """
        return self._send(invoice_id)

    @requires("grn:write")
    @refuses(UnknownReceipt)
    @blp.response(202, PaperSchema, example={**PAPER_EXAMPLE, "state": "pending"})
    def post(self, invoice_id: int) -> ReceiptPdf:
        """Render the note again, for example after a failure."""
        return papers.reprint(invoice_id, self.kind)


@blp.route("/labels.pdf")
class Labels(_Pdf):
    kind = Paper.LABELS

    @requires("grn:read")
    @refuses(UnknownReceipt, NoRolls, RangeNotSatisfiable, StorageUnavailable, PaperNotMade)
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, invoice_id: int) -> Response:
        """Fetch the labels of the rolls, 14 to a sheet of 99.1 × 38.1 mm (Avery L7163), in packing list order.

        The QR code of a label holds the `factoryRollNo`, or the `supplierRollNo` if there is none;
        `GET /api/invoices?rollNo=` finds both. The labels are rendered at the same times as the note.
        """
        return self._send(invoice_id)

    @requires("grn:write")
    @refuses(UnknownReceipt)
    @blp.response(202, PaperSchema, example={**PAPER_EXAMPLE, "kind": "labels", "state": "pending"})
    def post(self, invoice_id: int) -> ReceiptPdf:
        """Render the labels again."""
        return papers.reprint(invoice_id, self.kind)
