"""``/admin/einvoices/{id}/preview``: how the PDF of a draft will look."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request
from werkzeug.wrappers import Response as BaseResponse

from app.accounts.ownership import owner_id, scope
from app.accounts.principals import authenticate
from app.admin.helpers import redirect_to
from app.einvoices.access import requires_einvoices
from app.einvoices.lifecycle import readiness, step_needs
from app.einvoices.pdf import previews
from app.einvoices.queries import lookup
from app.einvoices.status import Status
from app.pdf import files

blp = Blueprint("einvoice_preview", __name__, url_prefix="/einvoices")


@blp.get("/<int:einvoice_id>/preview")
@requires_einvoices("einvoices:read")
def show(einvoice_id: int) -> str | BaseResponse:
    """The preview as soon as a worker has made it; the page of the e-invoice when it is no draft any more."""
    einvoice = lookup.find(einvoice_id, scope())
    if einvoice.status != Status.DRAFT:
        return redirect_to("admin.einvoices.show", einvoice_id=einvoice_id)
    may_write = step_needs.ABILITY in authenticate().abilities
    return render_template(
        "admin/einvoice_preview_show.html",
        einvoice=einvoice,
        preview=previews.request(einvoice_id, scope(), owner_id()),
        may_write=may_write,
        may_issue=may_write and readiness.of_draft(einvoice, scope()).ready,
    )


@blp.get("/<int:einvoice_id>/preview.pdf")
@requires_einvoices("einvoices:read")
def pdf(einvoice_id: int) -> Response:
    """The PDF of the preview, shown by the browser or, with ``?download=1``, as a download."""
    stored = previews.find_or_request(einvoice_id, scope(), owner_id())
    return files.send_pdf(stored, download="download" in request.args)
