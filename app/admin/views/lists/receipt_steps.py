"""``/admin/receipts/steps``: the roll labels or the notes of the chosen goods receipts as one ZIP file."""

from __future__ import annotations

from flask import Blueprint
from werkzeug.wrappers import Response

from app.accounts.guards import requires
from app.admin.error_pages import error_text
from app.admin.lists.bulk_steps import chosen_ids
from app.grn.models.papers import Paper
from app.grn.papers import service
from app.kernel.errors import Conflict, Refusal
from app.kernel.messages import N_
from app.kernel.storage.file_store import StorageUnavailable
from app.pdf.files import StoredPdf
from app.pdf.pdf_archive import answer_archive

blp = Blueprint("receipt_steps", __name__, url_prefix="/receipts/steps")


class NoPaperAmongChosen(Conflict):
    """None of the chosen receipts has the paper."""

    message = N_("None of the chosen goods receipts has this document yet.")


@blp.post("/<any(note, labels):kind>")
@requires("grn:read")
def papers(kind: str) -> Response:
    """The papers of one kind; a text file names the receipts without it."""
    found: list[StoredPdf] = []
    left_out = []
    for receipt_id in chosen_ids():
        try:
            found.append(service.stored_paper(receipt_id, Paper(kind)))
        except StorageUnavailable:
            raise  # to ask for each of the others would take minutes
        except Refusal as refusal:
            left_out.append(f"#{receipt_id}: {error_text(refusal)}")
    if not found:
        raise NoPaperAmongChosen
    return answer_archive(kind, found, left_out)
