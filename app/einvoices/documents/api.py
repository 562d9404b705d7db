"""``/api/v1/einvoices/{id}/documents``: the legal documents of an e-invoice."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask.views import MethodView

from app.accounts.ownership import scope
from app.einvoices.access import requires_einvoices
from app.einvoices.api import blp
from app.einvoices.documents import document_requests, legal_documents
from app.einvoices.errors import DocumentNotReady, DocumentNotWritable, NoLegalDocument, UnknownEinvoice
from app.einvoices.legal.samples import DOCUMENTS
from app.einvoices.schemas.documents import EinvoiceDocumentListSchema
from app.kernel.errors import RangeNotSatisfiable
from app.kernel.http.openapi import refuses
from app.kernel.storage.file_store import StorageUnavailable

_CONTENTS: dict[str, Any] = {
    "application/xml": {"schema": {"type": "string"}, "example": "<Invoice>…</Invoice>"},
    "application/json": {"schema": {"type": "object"}, "example": {"Version": "1.1"}},
    "application/pdf": {"schema": {"type": "string", "format": "binary"}, "example": "%PDF-1.7 …"},
}


@blp.route("/<int:einvoice_id>/documents")
class Documents(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownEinvoice, NoLegalDocument)
    @blp.response(200, EinvoiceDocumentListSchema, example=DOCUMENTS)
    def get(self, einvoice_id: int) -> dict[str, Any]:
        """List the legal formats of an issued e-invoice: which the hub can write, and the newest document of each."""
        return {"data": legal_documents.list_formats(einvoice_id, scope())}


@blp.route("/<int:einvoice_id>/documents/<string:name>")
class Document(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(
        UnknownEinvoice, NoLegalDocument, DocumentNotReady, DocumentNotWritable, RangeNotSatisfiable, StorageUnavailable
    )
    @blp.doc(responses={"200": {"content": _CONTENTS, "description": "The document."}})
    @blp.response(200, content_type="application/xml", example="<Invoice>…</Invoice>")
    def get(self, einvoice_id: int, name: str) -> Response:
        """Download the e-invoice as `ubl`, `cii` or `ubl-tr` (XML), `inv-01` (JSON) or `factur-x` (PDF).

        It is written from the canonical form when it is first asked for. A Factur-X PDF, and a document of many lines,
        is made in the background: 404 with `state` until it exists (ask again after `Retry-After`).
        """
        return document_requests.send(einvoice_id, name, scope())
