"""Previews of drafts: the PDF as the issue would make it, marked as a draft, rendered on demand and thrown away."""

from __future__ import annotations

from app.accounts.ownership import Scope
from app.celery_config import Queue
from app.einvoices import sellers
from app.einvoices.documents.canonical_form import IssueFacts
from app.einvoices.documents.profile_findings import due_date
from app.einvoices.errors import PreviewNotReady
from app.einvoices.lifecycle import allowed_steps, document_mode
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoicePreview
from app.einvoices.pdf import context, print_job
from app.einvoices.queries.lookup import find
from app.einvoices.status import Status
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import after_commit, unit_of_work
from app.kernel.worker.celery_app import DebouncedTask
from app.kernel.worker.work_queue import WorkState
from app.pdf import on_demand, print_queue
from app.pdf.files import StoredPdf

trigger_previewer = DebouncedTask("einvoices.print_previews")


def find_or_request(einvoice_id: int, scope: Scope, user_id: int) -> StoredPdf:
    """The preview of a draft as it is now; a worker is asked for one that is missing or out of date.

    Args:
        user_id: who waits for it.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        WrongState: it is no draft.
        PreviewNotReady: the preview is pending, or its creation has failed.
    """
    answer = request(einvoice_id, scope, user_id)
    if answer.stored is None:
        raise PreviewNotReady(answer.state, answer.error)
    return answer.stored


def request(einvoice_id: int, scope: Scope, user_id: int) -> on_demand.Answer:
    """The preview of a draft, or the state of its rendering; see ``find_or_request``."""
    einvoice = find(einvoice_id, scope, items=False)
    if einvoice.status != Status.DRAFT:
        raise allowed_steps.wrong_state("previewed", einvoice)
    answer = on_demand.find_or_request(
        PREVIEW_QUEUE,
        {"einvoice_id": einvoice_id},
        version=_version(einvoice),
        user_id=user_id,
        is_short=print_job.is_short(einvoice_id),
        name=f"draft-{einvoice_id}.pdf",
    )
    if answer.state == WorkState.PENDING:
        after_commit(trigger_previewer)
    return answer


def print_due() -> bool:
    """Render the previews that are due, after old ones were thrown away; true if work may be left."""
    with unit_of_work():
        on_demand.purge(PREVIEW_QUEUE)
    return print_queue.print_due(PREVIEW_QUEUE)


def _facts(einvoice: Einvoice) -> IssueFacts:
    """What an issue at this moment would decide, besides the number."""
    profile, moment = sellers.profile_of(einvoice.owner_id), clock.now()
    today = moment.astimezone(sellers.parse_timezone(profile.timezone)).date()
    return IssueFacts(None, moment, sellers.snapshot(profile), due_date(einvoice, profile, today))


def _version(einvoice: Einvoice) -> str:
    """The hash of the draft, of the seller and of the mode; ``updated_at`` changes with the draft."""
    facts = _facts(einvoice)
    return on_demand.version_of(
        einvoice.updated_at, sorted(facts.seller.items()), facts.due_date, document_mode.will_be_test(einvoice)
    )


def _compose(einvoice_id: int) -> print_queue.Document:
    einvoice = print_job.load_printed(einvoice_id)
    row = db.session.get(EinvoicePreview, einvoice_id)
    if row is None or einvoice.status != Status.DRAFT:  # thrown away, issued or cancelled after the request
        return print_queue.Document(context.TEMPLATES, context.TEMPLATE, ())
    data = print_job.context_of(einvoice, _facts(einvoice))
    data["is_test"] = document_mode.will_be_test(einvoice)
    return print_job.document_of(data, row.user_id)


def _stem(einvoice_id: int) -> str:
    return f"{on_demand.FOLDER}/einvoices/{einvoice_id}"


PREVIEW_QUEUE = print_queue.register_queue(
    print_queue.PrintQueue(
        EinvoicePreview,
        compose=_compose,
        stem=_stem,
        is_short=EinvoicePreview.is_short,
        owner=EinvoicePreview.user_id,
        lane=Queue.PREVIEWS,
    )
)
