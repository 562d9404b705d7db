"""``/api/invoices/{id}/note.pdf`` and ``labels.pdf``: the papers of a goods receipt."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response
from flask.views import MethodView

from app.accounts.guards import requires
from app.grn.errors import NoRolls, PaperNotMade, UnknownReceipt
from app.grn.models.papers import Paper, ReceiptPdf
from app.grn.papers import service as papers
from app.grn.schemas.papers import PAPER_EXAMPLE, PaperSchema
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
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
        """Tell how far the making of the note and of the labels is."""
        return papers.find(invoice_id)


class _Pdf(MethodView):
    """A paper; the two differ in nothing but their kind."""

    kind: Paper

    def _sent(self, invoice_id: int) -> Response:
        return files.send_pdf(papers.stored_paper(invoice_id, self.kind), download=False)


@blp.route("/note.pdf")
class Note(_Pdf):
    kind = Paper.NOTE

    @requires("grn:read")
    @refuses(UnknownReceipt, PaperNotMade)
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, invoice_id: int) -> Response:
        """Fetch the goods receipt note; `ETag` and ranges work.

        It is made within seconds of the booking, and again after each change: until then 404 says so, with
        `state` and `Retry-After`. An outdated one is never sent.
        """
        return self._sent(invoice_id)

    @requires("grn:write")
    @refuses(UnknownReceipt)
    @blp.response(202, PaperSchema, example={**PAPER_EXAMPLE, "state": "pending"})
    def post(self, invoice_id: int) -> ReceiptPdf:
        """Have the note made again, say because its making failed."""
        return papers.reprint(invoice_id, self.kind)


@blp.route("/labels.pdf")
class Labels(_Pdf):
    kind = Paper.LABELS

    @requires("grn:read")
    @refuses(UnknownReceipt, NoRolls, PaperNotMade)
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, invoice_id: int) -> Response:
        """Fetch the labels of the rolls, 14 to a sheet of 99.1 × 38.1 mm (Avery L7163), in packing list order.

        The QR code of a label is the `factoryRollNo`, or the `supplierRollNo` of a roll without one: what
        `GET /api/invoices?rollNo=` finds. For the rest see the note.
        """
        return self._sent(invoice_id)

    @requires("grn:write")
    @refuses(UnknownReceipt)
    @blp.response(202, PaperSchema, example={**PAPER_EXAMPLE, "kind": "labels", "state": "pending"})
    def post(self, invoice_id: int) -> ReceiptPdf:
        """Have the labels made again."""
        return papers.reprint(invoice_id, self.kind)
