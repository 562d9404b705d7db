"""``/api/v1/einvoices``: the four endpoints of the e-invoice document, and the lifecycle (draft, issue, send, …)."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from app.accounts.idempotency import idempotent
from app.accounts.ownership import actor, owner_id, scope
from app.einvoices import samples
from app.einvoices.access import requires_einvoices
from app.einvoices.decisions import settlement
from app.einvoices.errors import (
    AccountNotReady,
    AlreadyCorrected,
    AlreadyInvoiced,
    AlreadySending,
    CorrectedAccepted,
    DocumentNotSendable,
    DuplicateOrder,
    HasCredits,
    Incomplete,
    InDoubt,
    NoPdf,
    NotCreditable,
    NotInDoubt,
    PdfNotReady,
    SaleChanged,
    SaleInReview,
    SeriesTaken,
    UnknownEinvoice,
    WrongState,
)
from app.einvoices.lifecycle import corrections, credit_notes, drafts, from_sales, issue, numbering, readiness
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.pdf import print_job
from app.einvoices.providers import status_reports
from app.einvoices.queries import lookup
from app.einvoices.schemas.einvoices import (
    EinvoiceChangeSchema,
    EinvoiceCorrectionSchema,
    EinvoiceCreditSchema,
    EinvoiceDetailSchema,
    EinvoiceDoubtSchema,
    EinvoiceDraftSchema,
    EinvoiceReasonSchema,
    EinvoiceSendSchema,
    FromSalesSchema,
)
from app.einvoices.schemas.lists import DetailQuery, EinvoiceListSchema, EinvoiceSeriesListSchema, ListQuery
from app.einvoices.schemas.provider_status import ProviderStatusSchema
from app.einvoices.schemas.readiness import EinvoiceReadinessSchema, ReadinessQuery
from app.einvoices.status import Type
from app.kernel.errors import RangeNotSatisfiable
from app.kernel.http.app import ApiBlueprint
from app.kernel.http.openapi import refuses
from app.kernel.storage.file_store import StorageUnavailable
from app.pdf import files

#: Refusals of what would be in force besides another e-invoice, or against its sales invoice.
_NOT_FREE = (CorrectedAccepted, SaleInReview, AlreadyInvoiced)
_NOT_SENDABLE = (AlreadySending, AccountNotReady, InDoubt, DocumentNotSendable)
blp = ApiBlueprint("E-invoices", __name__, url_prefix="/api/v1/einvoices", description="From a draft to the provider.")


@blp.route("")
class Einvoices(MethodView):
    @requires_einvoices("einvoices:read")
    @blp.arguments(ListQuery, location="query")
    @blp.response(200, EinvoiceListSchema, example=samples.LIST)
    def get(self, query: dict[str, Any]) -> lookup.EinvoicePage:
        """List e-invoices, newest first.

        With `updated_since` the order is by last change, newest first. A client that repeats the request with the
        largest `updated_at` that it has seen misses no change. `cursor` reads a large set page by page and counts
        nothing.
        """
        return lookup.find_page(query, scope())

    @requires_einvoices("einvoices:write")
    @refuses(DuplicateOrder)
    @idempotent
    @blp.arguments(EinvoiceDraftSchema, example=samples.DRAFT)
    @blp.response(201, EinvoiceDetailSchema, example=samples.NEW)
    def post(self, data: dict[str, Any]) -> Einvoice:
        """Create a draft of a sale."""
        return drafts.create(data, owner_id(), actor())


@blp.route("/from-sales")
class FromSales(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(SaleInReview, AlreadyInvoiced, HasCredits, AccountNotReady)
    @idempotent
    @blp.arguments(FromSalesSchema, example={"invoice_no": "LTPI-77282", "vat_rate": 10, "prices_include_vat": True})
    @blp.response(201, EinvoiceDetailSchema, example={**samples.NEW, "sales_invoice_no": "LTPI-77282"})
    @blp.alt_response(
        200,
        schema=EinvoiceDetailSchema,
        description="The e-invoice existed already; it is returned unchanged.",
        example={**samples.NEW, "sales_invoice_no": "LTPI-77282"},
    )
    def post(self, data: dict[str, Any]) -> tuple[Einvoice, int]:
        """Create a draft from a sales invoice; a repeated request answers 200 with the same e-invoice.

        When the provider rejected that e-invoice, the new draft is its correction (201). It keeps what the sales
        invoice does not have: order, metadata, currency, account, VAT rates, and tax data of the same buyer.
        The `mrp` of a line is its unit price, with or without VAT as `prices_include_vat` says. A price with VAT is
        split so that the total of the e-invoice is the total of the sales invoice.
        """
        einvoice, is_new = from_sales.draft_from_sales(data, owner_id(), scope(), actor())
        return einvoice, 201 if is_new else 200


@blp.route("/series")
class Series(MethodView):
    @requires_einvoices("einvoices:read")
    @blp.response(200, EinvoiceSeriesListSchema, example=samples.SERIES)
    def get(self) -> dict[str, Any]:
        """Report each of your series, counted from its invoices: first and last number, count, gaps, cancelled."""
        return {"data": numbering.series_report(owner_id())}


@blp.route("/<int:einvoice_id>")
class Detail(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownEinvoice)
    @blp.arguments(DetailQuery, location="query")
    @blp.response(200, EinvoiceDetailSchema, example=samples.DETAIL)
    def get(self, query: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Read one e-invoice."""
        return lookup.find(einvoice_id, scope(), items=query["include_items"], events=query["include_events"])

    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, DuplicateOrder, HasCredits)
    @blp.arguments(EinvoiceChangeSchema, example={"buyer": {"name": "Ayşe Yılmaz"}, "notes": "Gift wrapped"})
    @blp.response(200, EinvoiceDetailSchema, example={**samples.NEW, "notes": "Gift wrapped"})
    def patch(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Change a draft; only the fields in the request change, and `items` replaces all items."""
        return drafts.change(einvoice_id, data, scope(), actor())


@blp.route("/<int:einvoice_id>/pdf")
class Pdf(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownEinvoice, NoPdf, PdfNotReady, RangeNotSatisfiable, StorageUnavailable)
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, einvoice_id: int) -> Response:
        """Download the PDF; `ETag` and range requests are supported.

        404 with `state` until it exists: `pending` (ask again after `Retry-After`, or wait for the event
        `einvoice.pdf_ready`) or `failed`.
        """
        return files.send_pdf(print_job.stored_pdf(einvoice_id, scope()), download=True)

    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState)
    @blp.response(202, EinvoiceDetailSchema, example={**samples.DETAIL, "pdf_state": "pending"})
    def post(self, einvoice_id: int) -> Einvoice:
        """Request a new PDF; the current file stays until the new one is ready."""
        return issue.reprint(einvoice_id, scope())


@blp.route("/<int:einvoice_id>/provider-status")
class ProviderStatus(MethodView):
    @requires_einvoices("einvoices:status")
    @refuses(UnknownEinvoice)
    @blp.arguments(ProviderStatusSchema, example=samples.PROVIDER_STATUS)
    @blp.response(200, EinvoiceDetailSchema, example={**samples.DETAIL, "provider_status": "accepted"})
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Report the status at the provider.

        The status of the e-invoice itself follows the mapping of its provider account; without a mapping it stays,
        except that an issued e-invoice that was sent becomes `sent`: a report says that the provider has it.
        Each call is stored as an event `provider_status_updated`. A report whose `occurred_at` is older than the
        stored status changes nothing, and neither does a repeated report.
        """
        return status_reports.report(einvoice_id, data, scope())


@blp.route("/<int:einvoice_id>/readiness")
class Readiness(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownEinvoice, WrongState)
    @blp.arguments(ReadinessQuery, location="query")
    @blp.response(200, EinvoiceReadinessSchema, example=samples.READINESS)
    def get(self, query: dict[str, Any], einvoice_id: int) -> readiness.Readiness:
        """Whether a draft can be issued: the fields that are missing, and the conflicts with other e-invoices.

        `findings` has what the rules of `profile`, or of the profiles that the seller chose, say. A finding of the
        severity `error` is in the way of the issue.
        """
        return readiness.check(einvoice_id, scope(), query["profile"])


@blp.route("/<int:einvoice_id>/issue")
class Issue(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, Incomplete, *_NOT_FREE, SaleChanged, DuplicateOrder, SeriesTaken)
    @blp.response(200, EinvoiceDetailSchema, example={**samples.DETAIL, "pdf_state": "pending", "pdf_url": None})
    def post(self, einvoice_id: int) -> Einvoice:
        """Issue a draft: it gets its number and date; its PDF follows within seconds.

        422 names every field that is missing for a lawful document; no number is drawn then.
        """
        return issue.issue(einvoice_id, scope(), actor())


@blp.route("/<int:einvoice_id>/send")
class Send(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, AlreadyCorrected, *_NOT_FREE, *_NOT_SENDABLE)
    @blp.arguments(EinvoiceSendSchema, required=False, example={"provider_account_id": 7})
    @blp.response(202, EinvoiceDetailSchema, example=samples.DETAIL)
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Send an issued e-invoice to its provider; `status` and `provider_status` show the result.

        One in doubt is looked up at the provider first, and is sent only if the provider does not have it.
        """
        return issue.send(einvoice_id, scope(), actor(), provider_account_id=data.get("provider_account_id"))


@blp.route("/<int:einvoice_id>/settle-doubt")
class SettleDoubt(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, AlreadySending, NotInDoubt)
    @blp.arguments(EinvoiceDoubtSchema, example={"taken": True, "reason": "Found in the portal of the provider"})
    @blp.response(200, EinvoiceDetailSchema, example={**samples.DETAIL, "status": "sent", "provider_status": "taken"})
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Settle a doubt (`provider_status` is `in_doubt`) after you asked the provider.

        With `taken` the e-invoice becomes `sent`; without, it can be sent again or cancelled. The hub goes on to ask
        the provider. What it contradicts (`attention=contradicted`), or did not confirm (`attention=unconfirmed`), is
        decided again by the same call.
        """
        return settlement.settle(einvoice_id, taken=data["taken"], reason=data["reason"], scope=scope(), actor=actor())


@blp.route("/<int:einvoice_id>/cancel")
class Cancel(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, HasCredits, AlreadySending, AlreadyCorrected, InDoubt)
    @blp.arguments(EinvoiceReasonSchema, example={"reason": "Ordered twice"})
    @blp.response(
        200, EinvoiceDetailSchema, example={**samples.DETAIL, "status": "cancelled", "reason": "Ordered twice"}
    )
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Cancel a draft, or an issued or rejected e-invoice; an issued number stays used.

        After the cancellation of a correction, the rejected e-invoice can be corrected, sent or cancelled again.
        """
        return issue.cancel(einvoice_id, data["reason"], scope(), actor())


@blp.route("/<int:einvoice_id>/corrections")
class Corrections(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, HasCredits, AlreadySending, AlreadyCorrected, InDoubt)
    @idempotent
    @blp.arguments(EinvoiceCorrectionSchema, example={"reason": "Wrong tax number"})
    @blp.response(201, EinvoiceDetailSchema, example={**samples.NEW, "id": 461, "corrects_id": 456})
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Draft a correction of a rejected e-invoice: the same content, to be changed and issued with its own number.

        The rejected e-invoice keeps its number and status, and `corrected_by_id` names the correction.
        """
        return corrections.correct(einvoice_id, data.get("reason", ""), scope(), actor())


@blp.route("/<int:einvoice_id>/returns")
class Returns(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, NotCreditable)
    @idempotent
    @blp.arguments(EinvoiceCreditSchema, example=samples.CREDIT_REQUEST)
    @blp.response(201, EinvoiceDetailSchema, example={**samples.CREDIT, "type": "return"})
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Draft a return for a sale; returns and credit notes together never exceed the sale."""
        return credit_notes.draft_credit(einvoice_id, Type.RETURN, data, scope(), actor())


@blp.route("/<int:einvoice_id>/credit-notes")
class CreditNotes(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, NotCreditable)
    @idempotent
    @blp.arguments(EinvoiceCreditSchema, example=samples.CREDIT_REQUEST)
    @blp.response(201, EinvoiceDetailSchema, example=samples.CREDIT)
    def post(self, data: dict[str, Any], einvoice_id: int) -> Einvoice:
        """Draft a credit note for a sale; without `items` it credits everything that is left."""
        return credit_notes.draft_credit(einvoice_id, Type.CREDIT_NOTE, data, scope(), actor())
