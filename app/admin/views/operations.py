"""``/admin/operations``: state of queues, processes, backlogs and servers, and actions of an administrator."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, render_template
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from werkzeug.wrappers import Response

from app.accounts import users
from app.accounts.guards import ADMINISTRATION, requires
from app.accounts.ownership import actor
from app.admin.attention_links import needs_of_viewer
from app.admin.helpers import load_form, redirect_with_success
from app.einvoices.providers import resend
from app.operations.monitoring import backlogs, failed_tasks, hub_status, queue_drain
from app.operations.monitoring.queue_health import QueueHealth
from app.webhooks.endpoints import service as endpoints
from app.webhooks.schemas.endpoints import EndpointReasonSchema
from app.webhooks.sender import circuit_breaker

blp = Blueprint("operations", __name__, url_prefix="/operations")

#: Kind of work that is stored in rows -> its label.
KINDS: dict[str, LazyString] = {
    "events": lazy_gettext("Events to publish (outbox)"),
    "pdfs": lazy_gettext("PDFs of e-invoices"),
    "previews": lazy_gettext("Previews of drafts"),
    "sales_prints": lazy_gettext("Pick slips and box labels"),
    "file_removals": lazy_gettext("Files to remove"),
    "receipt_pdfs": lazy_gettext("PDFs of goods receipts"),
    "label_prints": lazy_gettext("Labels of chosen rolls"),
    "sendings": lazy_gettext("E-invoices to send to a provider"),
    "sent_documents": lazy_gettext("Legal documents that sendings wait for"),
    "official_checks": lazy_gettext("Checks by the official rules"),
    "official_requests": lazy_gettext("Checks of documents that somebody sent"),
    "deliveries": lazy_gettext("Webhook deliveries"),
    "callbacks": lazy_gettext("Responses of the provider simulator"),
}
_CAUSES: dict[str, LazyString] = {
    "redis": lazy_gettext("Redis does not respond, so no task is processed."),
    "no_worker": lazy_gettext("No worker of this queue is running."),
    "no_beat": lazy_gettext("The scheduler (beat) is not running."),
    "stuck": lazy_gettext("A worker is running but takes no tasks."),
}

#: Kind of work that can be retried -> endpoint and label of the button.
RETRIES: dict[str, tuple[str, LazyString]] = {
    "pdfs": ("admin.operations.retry_pdfs", lazy_gettext("Retry")),
    "receipt_pdfs": ("admin.operations.retry_pdfs", lazy_gettext("Retry")),
    "sendings": ("admin.operations.retry_sendings", lazy_gettext("Retry")),
}


@blp.get("")
@requires(ADMINISTRATION)
def show() -> str:
    """The present state; a script refreshes it every five seconds."""
    needs = needs_of_viewer()
    status = hub_status.collect_status()
    return render_template(
        "admin/operations_show.html",
        status=status,
        drainers=users.names_of_credentials(queue.health.drain.by for queue in status.queues if queue.health.drain),
        needs=needs,
        has_red=any(entry.need.is_red for entry in needs),
        kinds=KINDS,
        retries=RETRIES,
        cause_text=_cause_text,
        from_timestamp=_from_timestamp,
        mebibytes=_mebibytes,
    )


@blp.post("/failures/<int:failure_id>/retry")
@requires(ADMINISTRATION)
def retry_task(failure_id: int) -> Response:
    """Run a failed task once more."""
    failure = failed_tasks.retry(failure_id, actor=actor())
    return _redirect(gettext("Task %(task)s is queued again.", task=failure.task))


@blp.post("/pdfs")
@requires(ADMINISTRATION)
def retry_pdfs() -> Response:
    """Retry the PDFs that failed for good."""
    count = backlogs.print_again(actor=actor())
    return _redirect(gettext("PDFs queued again: %(count)s.", count=count))


@blp.post("/queues/<queue>/drain")
@requires(ADMINISTRATION)
def drain_queue(queue: str) -> Response:
    """Drain a queue: workers take no more tasks from it."""
    queue_drain.drain(queue, actor=actor())
    return _redirect(gettext("Queue %(queue)s is drained. Its tasks wait.", queue=queue))


@blp.post("/queues/<queue>/resume")
@requires(ADMINISTRATION)
def resume_queue(queue: str) -> Response:
    """End the drain of a queue."""
    queue_drain.resume(queue, actor=actor())
    return _redirect(gettext("Queue %(queue)s is processed again.", queue=queue))


@blp.post("/sendings")
@requires(ADMINISTRATION)
def retry_sendings() -> Response:
    """Retry the e-invoices whose sending failed for good."""
    count = resend.resend_given_up(actor=actor())
    return _redirect(gettext("E-invoices queued again: %(count)s.", count=count))


@blp.post("/endpoints/<int:endpoint_id>/pause")
@requires(ADMINISTRATION)
def disable_endpoint(endpoint_id: int) -> Response:
    """Disable a webhook endpoint of any user; its deliveries wait."""
    reason = load_form(EndpointReasonSchema(), "reason")["reason"]
    circuit_breaker.disable(endpoints.find_for_update(endpoint_id, None), reason, actor=actor())
    return _redirect(gettext("Endpoint disabled. New deliveries wait."))


@blp.post("/endpoints/<int:endpoint_id>/resume")
@requires(ADMINISTRATION)
def enable_endpoint(endpoint_id: int) -> Response:
    """Enable a webhook endpoint of any user; if deliveries wait, one of them is sent first as a test."""
    circuit_breaker.enable(endpoints.find_for_update(endpoint_id, None), actor=actor())
    return _redirect(gettext("Endpoint enabled."))


def _redirect(message: str) -> Response:
    return redirect_with_success(message, "admin.operations.show")


def _cause_text(health: QueueHealth) -> str:
    return str(_CAUSES.get(health.cause, ""))


def _from_timestamp(seconds: float) -> datetime:
    """Time of a Unix timestamp."""
    return datetime.fromtimestamp(seconds, UTC)


def _mebibytes(size: int) -> int:
    return round(size / 2**20)
