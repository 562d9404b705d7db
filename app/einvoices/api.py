"""``/api/v1/einvoices``: the e-invoice document's four endpoints, and the lifecycle that its events name."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from app.accounts.idempotency import idempotent
from app.accounts.ownership import owner_id, scope
from app.einvoices import samples
from app.einvoices.access import requires_einvoices
from app.einvoices.errors import AlreadySending, HasCredits, NoPdf, NotCreditable, UnknownEinvoice, WrongState
from app.einvoices.lifecycle import credit_notes, drafts, issue, numbering
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.pdf import print_job
from app.einvoices.providers import status_reports
from app.einvoices.queries import lookup
from app.einvoices.schemas.einvoices import (
    EinvoiceChangeSchema,
    EinvoiceCreditSchema,
    EinvoiceDetailSchema,
    EinvoiceDraftSchema,
    EinvoiceReasonSchema,
    FromSalesSchema,
    ProviderStatusSchema,
)
from app.einvoices.schemas.lists import DetailQuery, EinvoiceListSchema, EinvoiceSeriesListSchema, ListQuery
from app.einvoices.status import Type
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.pdf import files

blp = ApiBlueprint("E-invoices", __name__, url_prefix="/api/v1/einvoices", description="From a draft to the provider.")


@blp.route("")
class Einvoices(MethodView):
    @requires_einvoices("einvoices:read")
    @blp.arguments(ListQuery, location="query")
    @blp.response(200, EinvoiceListSchema, example=samples.LIST)
    def get(self, query: dict[str, Any]) -> lookup.EinvoicePage:
        """List e-invoices, newest first.

        With `updated_since` they come by their last change, newest first: whoever asks again with the largest
        `updated_at` seen misses no change. `cursor` walks a large set without counting it.
        """
        return lookup.find_page(query, scope())

    @requires_einvoices("einvoices:write")
    @idempotent
    @blp.arguments(EinvoiceDraftSchema, example=samples.DRAFT)
    @blp.response(201, EinvoiceDetailSchema, example=samples.NEW)
    def post(self, data: dict[str, Any]) -> Einvoice:
        """Make a draft of a sale."""
        return drafts.create(data, owner_id())


@blp.route("/from-sales")
class FromSales(MethodView):
    @requires_einvoices("einvoices:write")
    @idempotent
    @blp.arguments(FromSalesSchema, example={"invoice_no": "LTPI-77282", "vat_rate": 10})
    @blp.response(201, EinvoiceDetailSchema, example={**samples.NEW, "sales_invoice_no": "LTPI-77282"})
    @blp.alt_response(
        200,
        schema=EinvoiceDetailSchema,
        description="It had been made before; this is it.",
        example={**samples.NEW, "sales_invoice_no": "LTPI-77282"},
    )
    def post(self, data: dict[str, Any]) -> tuple[Einvoice, int]:
        """Make a draft from a sales invoice; asking again answers 200 with the same e-invoice.

        The `mrp` of a line is taken as its price without VAT.
        """
        einvoice, made = drafts.from_sales(data, owner_id())
        return einvoice, 201 if made else 200


@blp.route("/series")
class Series(MethodView):
    @requires_einvoices("einvoices:read")
    @blp.response(200, EinvoiceSeriesListSchema, example=samples.SERIES)
    def get(self) -> dict[str, Any]:
        """Report each series of yours from its invoices: first and last number, count, gaps, cancelled ones."""
        return {"data": numbering.series_report(owner_id())}


@blp.route("/<int:einvoice_id>")
class Detail(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownEinvoice)
    @blp.arguments(DetailQuery, location="query")
    @blp.response(200, EinvoiceDetailSchema, example=samples.DETAIL)
    def get(self, query: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Read one e-invoice."""
        shown = {"items": query["include_items"], "events": query["include_events"]}
        return lookup.find(einvoice_id, scope(), **shown)

    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState)
    @blp.arguments(EinvoiceChangeSchema, example={"buyer": {"name": "Ayşe Yılmaz"}, "notes": "Gift wrapped"})
    @blp.response(200, EinvoiceDetailSchema, example={**samples.NEW, "notes": "Gift wrapped"})
    def patch(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Change a draft; only what is sent changes, and `items` replaces them all."""
        return drafts.change(einvoice_id, data, scope())


@blp.route("/<int:einvoice_id>/pdf")
class Pdf(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownEinvoice, NoPdf)
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, einvoice_id: int) -> Response:
        """Download the PDF; 404 as long as there is none. `ETag` and ranges work."""
        return files.send_pdf(print_job.stored_pdf(einvoice_id, scope()), download=True)

    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState)
    @blp.response(202, EinvoiceDetailSchema, example={**samples.DETAIL, "pdf_state": "pending"})
    def post(self, einvoice_id: int) -> Einvoice:
        """Have the PDF made again; the present one stays until the new one is there."""
        return issue.reprint(einvoice_id, scope())


@blp.route("/<int:einvoice_id>/provider-status")
class ProviderStatus(MethodView):
    @requires_einvoices("einvoices:status")
    @refuses(UnknownEinvoice)
    @blp.arguments(ProviderStatusSchema, example=samples.PROVIDER_STATUS)
    @blp.response(200, EinvoiceDetailSchema, example={**samples.DETAIL, "provider_status": "accepted"})
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Write a provider's status back; the e-invoice's own status stays.

        Each call is kept as an event `provider_status_updated`. With `occurred_at`, word that is older than what
        is stored changes nothing; nor does a repeat.
        """
        return status_reports.report(einvoice_id, data, scope())


@blp.route("/<int:einvoice_id>/issue")
class Issue(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState)
    @blp.response(200, EinvoiceDetailSchema, example={**samples.DETAIL, "pdf_state": "pending", "pdf_url": None})
    def post(self, einvoice_id: int) -> Einvoice:
        """Give a draft its number and date; its PDF follows within seconds."""
        return issue.issue(einvoice_id, scope())


@blp.route("/<int:einvoice_id>/send")
class Send(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, AlreadySending)
    @blp.response(202, EinvoiceDetailSchema, example=samples.DETAIL)
    def post(self, einvoice_id: int) -> Einvoice:
        """Hand an issued e-invoice to its provider; how it went shows as `status` and `provider_status`."""
        return issue.send(einvoice_id, scope())


@blp.route("/<int:einvoice_id>/cancel")
class Cancel(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, HasCredits, AlreadySending)
    @blp.arguments(EinvoiceReasonSchema, example={"reason": "Ordered twice"})
    @blp.response(
        200, EinvoiceDetailSchema, example={**samples.DETAIL, "status": "cancelled", "reason": "Ordered twice"}
    )
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Cancel a draft or an issued e-invoice; a number that was drawn stays used."""
        return issue.cancel(einvoice_id, data["reason"], scope())


@blp.route("/<int:einvoice_id>/returns")
class Returns(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, NotCreditable)
    @idempotent
    @blp.arguments(EinvoiceCreditSchema, example=samples.CREDIT_REQUEST)
    @blp.response(201, EinvoiceDetailSchema, example={**samples.CREDIT, "type": "return"})
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Draft a return for a sale; with its credit notes it never exceeds the sale."""
        return credit_notes.draft_credit(einvoice_id, Type.RETURN, data, scope())


@blp.route("/<int:einvoice_id>/credit-notes")
class CreditNotes(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, NotCreditable)
    @idempotent
    @blp.arguments(EinvoiceCreditSchema, example=samples.CREDIT_REQUEST)
    @blp.response(201, EinvoiceDetailSchema, example=samples.CREDIT)
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Draft a credit note for a sale; without `items` it gives back all that is left."""
        return credit_notes.draft_credit(einvoice_id, Type.CREDIT_NOTE, data, scope())
