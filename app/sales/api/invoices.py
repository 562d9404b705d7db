"""``/api/sales``: import, correction, return to billing, and reading of sales invoices."""

from __future__ import annotations

from typing import Any

from flask.views import MethodView

from app.accounts.guards import requires
from app.accounts.idempotency import idempotent
from app.accounts.principals import authenticate
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.error_envelopes import register_envelope
from app.kernel.http.openapi import refuses
from app.kernel.pagination.keyset import Page, keyset_page_schema
from app.sales import samples
from app.sales.access import actor
from app.sales.api.errors import SalesEnvelope
from app.sales.errors import DuplicateInvoice, NotInReview, NotReturnable, UnknownInvoice
from app.sales.floor import history
from app.sales.floor.steps import STEPS
from app.sales.imports import single
from app.sales.models.invoices import SalesInvoice
from app.sales.queries import lists, lookup
from app.sales.schemas.floor import HistoryEntrySchema, HistoryQuery
from app.sales.schemas.invoices import (
    ImportedAnswerSchema,
    ImportSchema,
    InvoiceAnswerSchema,
    InvoiceSchema,
)
from app.sales.schemas.lists import InvoiceQuery

blp = ApiBlueprint("Sales", __name__, url_prefix="/api/sales", description="Invoices of the pharmacy distribution.")
register_envelope(SalesEnvelope())

_CORRECT, _RETURN = STEPS["billing.correct"], STEPS["billing.return"]


def _answer(message: str, data: Any) -> dict[str, Any]:
    return {"success": True, "message": message, "data": data}


@blp.route("/import/invoice/")
class Import(MethodView):
    @requires("sales:import")
    @refuses(DuplicateInvoice)
    @idempotent
    @blp.arguments(ImportSchema, example=samples.PAYLOAD)
    @blp.response(201, ImportedAnswerSchema, example=samples.IMPORTED)
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Import an invoice of the ERP.

        Creates or updates the customer (by `code`) and the salesman (by name). `invoice_no` is the idempotency
        key: a second import answers 409 with the first one's `id` and says whether both are identical.
        """
        invoice = single.import_invoice(data, created_user_id=authenticate().user_id)
        return _answer("Invoice imported successfully", invoice)


@blp.route("/update/invoice/")
class Update(MethodView):
    @requires("sales:import")
    @refuses(NotInReview, UnknownInvoice)
    @blp.arguments(_CORRECT.payload, example=samples.CORRECTION)
    @blp.response(200, InvoiceAnswerSchema, example=_answer("Invoice updated successfully", samples.INVOICE))
    def patch(self, data: dict[str, Any]) -> dict[str, Any]:
        """Correct an invoice that was returned to billing.

        Items are found by `barcode`, else by `item_code`; only fields that are sent change. Totals are computed again
        and the invoice goes back to the section that returned it.
        """
        return _answer("Invoice updated successfully", _CORRECT.take(data, actor()))


@blp.route("/billing/return/")
class Return(MethodView):
    @requires("sales:write")
    @refuses(NotReturnable, UnknownInvoice)
    @idempotent
    @blp.arguments(_RETURN.payload, example={"invoice_no": "LTPI-77282", "return_reason": "Batch on the box is B456"})
    @blp.response(200, InvoiceAnswerSchema, example=_answer("Invoice sent to billing for review", samples.RETURNED))
    def post(self, data: dict[str, Any]) -> dict[str, Any]:
        """Send an invoice back to billing for review."""
        return _answer("Invoice sent to billing for review", _RETURN.take(data, actor()))


@blp.route("/invoices/")
class Invoices(MethodView):
    @requires("sales:read")
    @blp.arguments(InvoiceQuery, location="query")
    @blp.response(
        200,
        keyset_page_schema(InvoiceSchema),
        example={"count": 1, "count_exact": True, "next": None, "previous": None, "results": [samples.INVOICE]},
    )
    def get(self, query: dict[str, Any]) -> Page:
        """List invoices, newest first.

        `page` reaches the first 10,000; with `cursor=` (empty to begin) `next` reads all of them at constant speed.
        """
        return lists.find_page(query)


@blp.route("/invoices/<int:invoice_id>/")
class Invoice(MethodView):
    @requires("sales:read")
    @refuses(UnknownInvoice)
    @blp.response(200, InvoiceSchema, example=samples.INVOICE)
    def get(self, invoice_id: int) -> SalesInvoice:
        """Read one invoice in full."""
        return lookup.find(invoice_id)


@blp.route("/invoices/<int:invoice_id>/history/")
class History(MethodView):
    @requires("sales:read")
    @refuses(UnknownInvoice)
    @blp.arguments(HistoryQuery, location="query")
    @blp.response(
        200,
        keyset_page_schema(HistoryEntrySchema),
        example={"count": None, "count_exact": True, "next": None, "previous": None, "results": samples.HISTORY},
    )
    def get(self, query: dict[str, Any], invoice_id: int) -> Page:
        """Read the history of an invoice, oldest first.

        Every step, return and correction with who, when and note; a correction with each old and new value.
        """
        return history.find_history(invoice_id, query)
