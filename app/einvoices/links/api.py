"""``…/einvoices/{id}/links``: public links to a PDF; ``/pdf/{token}``: the PDF of a link, for anybody."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from app.accounts.guards import public
from app.accounts.idempotency import idempotent
from app.accounts.ownership import actor, scope
from app.einvoices import samples
from app.einvoices.access import requires_einvoices
from app.einvoices.api import blp
from app.einvoices.errors import PdfNotReady, TooManyLinks, UnknownEinvoice, UnknownLink, WrongState
from app.einvoices.links import service
from app.einvoices.models.links import EinvoiceLink
from app.einvoices.queries import lookup
from app.einvoices.schemas.links import EinvoiceLinkDraftSchema, EinvoiceLinkListSchema, EinvoiceNewLinkSchema
from app.extensions import limiter
from app.kernel.errors import RangeNotSatisfiable, TooManyRequests
from app.kernel.http.app import PUBLIC_PDFS, ApiBlueprint
from app.kernel.http.client_address import client_network
from app.kernel.http.openapi import answers_pages, refuses
from app.kernel.outbound.public_address import whole_url
from app.kernel.storage.file_store import StorageUnavailable
from app.pdf import files

public_blp = ApiBlueprint("Public PDFs", __name__, url_prefix=PUBLIC_PDFS, description="PDFs for who has a link.")
#: Requests of one network; a viewer reads a long PDF by many of them.
LIMIT = "300 per minute"
HEADERS = {"X-Robots-Tag": "noindex, nofollow", "Referrer-Policy": "no-referrer"}


def url_of(token: str) -> str:
    """The address of a link: at the public address of the hub, else at the host that this request used."""
    return whole_url(f"{PUBLIC_PDFS}/{token}")


@blp.route("/<int:einvoice_id>/links")
class Links(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownEinvoice)
    @blp.response(200, EinvoiceLinkListSchema, example=samples.LINKS)
    def get(self, einvoice_id: int) -> dict[str, Any]:
        """List the newest 100 public links to the PDF, also those that ended."""
        return {"data": service.list_links(lookup.find(einvoice_id, scope(), items=False))}

    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, WrongState, TooManyLinks)
    @idempotent(sealed=True)
    @blp.arguments(EinvoiceLinkDraftSchema, example={"expires_in_days": 365})
    @blp.response(201, EinvoiceNewLinkSchema, example=samples.NEW_LINK)
    def post(self, data: dict[str, Any], einvoice_id: int) -> dict[str, Any]:
        """Create a link that opens the PDF in any browser; only this answer shows its `url`.

        It may be created before the PDF is there. It opens this PDF only, also a newer one of the same e-invoice.
        """
        new = service.create(einvoice_id, days=data.get("expires_in_days"), scope=scope(), actor=actor())
        shown = {name: getattr(new.link, name) for name in (*EinvoiceLink.__table__.columns.keys(), "is_valid")}
        return {**shown, "url": url_of(new.token)}


@blp.route("/<int:einvoice_id>/links/<int:link_id>")
class Link(MethodView):
    @requires_einvoices("einvoices:write")
    @refuses(UnknownEinvoice, UnknownLink)
    @blp.response(204)
    def delete(self, einvoice_id: int, link_id: int) -> None:
        """Revoke a link: it opens nothing from now on."""
        service.revoke(einvoice_id, link_id, scope=scope(), actor=actor())


@public_blp.route("/<token>")
class PublicPdf(MethodView):
    @public
    @answers_pages
    @refuses(UnknownLink, PdfNotReady, RangeNotSatisfiable, StorageUnavailable, TooManyRequests)
    @public_blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    @limiter.limit(LIMIT, key_func=client_network)
    def get(self, token: str) -> Response:
        """Open the PDF of a public link, without a credential; `ETag` and range requests are supported.

        404 for an unknown, expired or revoked link. While the PDF is being created, the 404 has `state` and
        `Retry-After`. A browser gets errors as a page.
        """
        answer = files.send_pdf(service.open_pdf(token), download=False)
        answer.headers.update(HEADERS)
        return answer
