"""``/admin/einvoices/steps``: issue, send and download the chosen e-invoices of the list."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from app.accounts.ownership import actor, scope
from app.admin.error_pages import error_text
from app.admin.lists.bulk_steps import Result, chosen_ids, run_each, show_results
from app.einvoices.access import requires_einvoices
from app.einvoices.lifecycle import issue as lifecycle_issue
from app.einvoices.pdf import print_job
from app.einvoices.queries import lookup
from app.kernel.errors import Conflict, Refusal
from app.kernel.messages import N_
from app.kernel.storage.file_store import StorageUnavailable
from app.pdf.files import StoredPdf
from app.pdf.pdf_archive import answer_archive

blp = Blueprint("einvoice_steps", __name__, url_prefix="/einvoices/steps")


class NoPdfAmongChosen(Conflict):
    """None of the chosen e-invoices has a PDF."""

    message = N_("None of the chosen e-invoices has a PDF yet.")


@blp.post("/issue")
@requires_einvoices("einvoices:write")
def issue() -> str:
    """Issue the chosen drafts, oldest first."""

    def step(einvoice_id: int) -> str:
        einvoice = lifecycle_issue.issue(einvoice_id, scope(), actor())
        return str(gettext("Issued as %(number)s.", number=einvoice.invoice_no))

    return _show(gettext("Issue"), run_each(chosen_ids(), step))


@blp.post("/send")
@requires_einvoices("einvoices:write")
def send() -> str:
    """Queue the chosen e-invoices for their providers."""

    def step(einvoice_id: int) -> str:
        lifecycle_issue.send(einvoice_id, scope(), actor())
        return str(gettext("The e-invoice is queued for the provider."))

    return _show(gettext("Send"), run_each(chosen_ids(), step))


@blp.post("/pdfs")
@requires_einvoices("einvoices:read")
def pdfs() -> Response:
    """The PDFs of the chosen e-invoices as a ZIP file; a text file in it names those without a PDF."""
    found: list[StoredPdf] = []
    left_out = []
    names = lookup.find_names(chosen_ids(), scope())
    for einvoice_id in chosen_ids():
        try:
            found.append(print_job.stored_pdf(einvoice_id, scope()))
        except StorageUnavailable:
            raise  # to ask for each of the others would take minutes
        except Refusal as refusal:
            left_out.append(f"{names.get(einvoice_id) or f'#{einvoice_id}'}: {error_text(refusal)}")
    if not found:
        raise NoPdfAmongChosen
    return answer_archive("einvoices", found, left_out)


def _show(title: str, results: Sequence[Result]) -> str:
    names = lookup.find_names([result.row_id for result in results], scope())
    shown = {row_id: number or gettext("Draft %(id)s", id=row_id) for row_id, number in names.items()}
    urls = {row_id: url_for("admin.einvoices.show", einvoice_id=row_id) for row_id in names}
    return show_results(title, results, shown, urls)
