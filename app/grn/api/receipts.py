"""``/api/invoices``: create, list, read, replace and delete goods receipts."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.accounts.guards import requires
from app.accounts.idempotency import idempotent
from app.accounts.ownership import actor
from app.grn import samples
from app.grn.api.errors import GrnEnvelope
from app.grn.errors import DuplicateReceipt, ItemsInUse, UnknownReceipt
from app.grn.models.receipts import GoodsReceipt
from app.grn.receipts import service as receipts
from app.grn.schemas.filters import ByExternalId, ReceiptQuery
from app.grn.schemas.pagination import Page, page_example, page_schema
from app.grn.schemas.receipts import NewReceiptSchema, ReceiptChangeSchema, ReceiptSchema, ReceiptSummarySchema
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.bodies.body_reader import allow_bulk_body
from app.kernel.http.error_envelopes import register_envelope
from app.kernel.http.openapi import refuses
from app.kernel.http.openapi_headers import LOCATION

blp = ApiBlueprint(
    "Goods receipts",
    __name__,
    url_prefix="/api/invoices",
    description="Goods receipts of fabric (the GRN document calls them invoices).",
)
register_envelope(GrnEnvelope())


@blp.route("")
class Receipts(MethodView):
    @requires("grn:read")
    @blp.arguments(ReceiptQuery, location="query")
    @blp.response(200, page_schema(ReceiptSummarySchema), example=page_example(samples.RECEIPT_SUMMARY))
    def get(self, query: dict[str, Any]) -> Page:
        """List goods receipts, newest first, without their rolls."""
        return receipts.find_page(query)

    @requires("grn:write")
    @allow_bulk_body
    @refuses(DuplicateReceipt)
    @idempotent
    @blp.arguments(NewReceiptSchema, example=samples.PAYLOAD)
    @blp.response(201, ReceiptSchema, example=samples.RECEIPT, headers=LOCATION)
    def post(self, data: dict[str, Any]) -> tuple[GoodsReceipt, dict[str, str]]:
        """Create a goods receipt with its packing lists.

        `grnQty` is the sum of the rolls' `supplierLength`, or of their `supplierWeight` if `uomLength` is `kilogram`.
        Widths and lengths keep the unit in which they are sent. The limits are 10,000 rolls and 32 MiB.
        """
        receipt = receipts.receive(data, actor=actor())
        return receipt, {"Location": f"/api/invoices/{receipt.id}"}

    @requires("grn:write")
    @refuses(UnknownReceipt)
    @blp.arguments(ByExternalId, location="query")
    @blp.response(204)
    def delete(self, query: dict[str, Any]) -> None:
        """Delete a goods receipt by its `externalId`.

        Its fabric items, rolls and ledger rows are deleted too.
        """
        receipts.delete_by_external_id(query["external_id"], actor=actor())


@blp.route("/<int:invoice_id>")
class Receipt(MethodView):
    @requires("grn:read")
    @refuses(UnknownReceipt)
    @blp.response(200, ReceiptSchema, example=samples.RECEIPT)
    def get(self, invoice_id: int) -> GoodsReceipt:
        """Read a goods receipt in full, with every roll."""
        return receipts.find(invoice_id)

    @requires("grn:write")
    @allow_bulk_body
    @refuses(UnknownReceipt, DuplicateReceipt, ItemsInUse)
    @blp.arguments(ReceiptChangeSchema, example=samples.PAYLOAD)
    @blp.response(200, ReceiptSchema, example=samples.RECEIPT)
    def put(self, data: dict[str, Any], invoice_id: int) -> GoodsReceipt:
        """Replace a goods receipt.

        The body of a GET may be changed and sent back. Fabric items match stored ones by `id`, else by `externalId`;
        rolls by `id`, else by `supplierRollNo`. Matching ones keep their ids, their ledgers and their inspection.
        Others are removed; a fabric item with ledger rows is not, and the request is refused.
        """
        return receipts.change(invoice_id, data, actor=actor())

    @requires("grn:write")
    @refuses(UnknownReceipt)
    @blp.response(204)
    def delete(self, invoice_id: int) -> None:
        """Delete a goods receipt with its fabric items, rolls and ledger rows."""
        receipts.delete_receipt(invoice_id, actor=actor())
