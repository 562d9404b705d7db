"""``/api/v1/einvoices/{id}/preview``: the PDF of a draft before its issue."""

from __future__ import annotations

from flask import Response
from flask.views import MethodView

from app.accounts.ownership import owner_id, scope
from app.einvoices.access import requires_einvoices
from app.einvoices.api import blp
from app.einvoices.errors import PreviewNotReady, UnknownEinvoice, WrongState
from app.einvoices.pdf import previews
from app.kernel.errors import RangeNotSatisfiable
from app.kernel.http.openapi import refuses
from app.kernel.storage.file_store import StorageUnavailable
from app.pdf import files


@blp.route("/<int:einvoice_id>/preview")
class Preview(MethodView):
    @requires_einvoices("einvoices:read")
    @refuses(UnknownEinvoice, WrongState, PreviewNotReady, RangeNotSatisfiable, StorageUnavailable)
    @blp.response(200, content_type="application/pdf", example="%PDF-1.7 …")
    def get(self, einvoice_id: int) -> Response:
        """Download the PDF of a draft as the issue would make it, marked as a draft on every page.

        It is made in the background when you ask for it: 404 with `state` until it exists, `pending` (ask again after
        `Retry-After`) or `failed` (with `reason`). After a change of the draft or of the seller it is made again. It
        is kept for ten minutes; it has no number and no code, and is no document of the e-invoice.
        """
        return files.send_pdf(previews.find_or_request(einvoice_id, scope(), owner_id()), download=True)
