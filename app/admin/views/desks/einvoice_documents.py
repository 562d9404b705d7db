"""Downloads of the legal documents of an e-invoice."""

from __future__ import annotations

from flask import Blueprint, Response, flash, redirect, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.ownership import scope
from app.admin.helpers import SEE_OTHER
from app.einvoices.access import requires_einvoices
from app.einvoices.documents import document_requests
from app.einvoices.errors import DocumentNotReady

blp = Blueprint("einvoice_documents", __name__, url_prefix="/einvoices")


@blp.get("/<int:einvoice_id>/documents/<name>")
@requires_einvoices("einvoices:read")
def download(einvoice_id: int, name: str) -> Response | BaseResponse:
    """The document in a legal format; a worker makes some of them, and the page says so."""
    try:
        return document_requests.send(einvoice_id, name, scope())
    except DocumentNotReady:
        flash(gettext("The document is being created. Download it in a few seconds."))
    return redirect(url_for("admin.einvoices.show", einvoice_id=einvoice_id, _anchor="legal"), SEE_OTHER)
