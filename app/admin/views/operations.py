"""Operations: who is at work, what waits, what failed, and what the hub stands on; with actions that are safe."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from werkzeug.wrappers import Response

from app.accounts.guards import ADMINISTRATION, requires
from app.accounts.ownership import actor
from app.admin.helpers import loaded
from app.einvoices.providers import resend
from app.operations.monitoring import backlogs, failed_tasks, hub_status, queue_drain
from app.operations.monitoring.canaries import QueueHealth
from app.webhooks.endpoints import service as endpoints
from app.webhooks.schemas.endpoints import EndpointReasonSchema
from app.webhooks.sender import circuit_breaker

_SEE_OTHER = 303
blp = Blueprint("operations", __name__, url_prefix="/operations")

#: Kinds of work that is rows -> what people call it.
KINDS: dict[str, LazyString] = {
    "events": lazy_gettext("Events without a position (the outbox)"),
    "pdfs": lazy_gettext("PDFs of e-invoices"),
    "receipt_pdfs": lazy_gettext("Papers of goods receipts"),
    "sendings": lazy_gettext("E-invoices on their way to a provider"),
    "deliveries": lazy_gettext("Webhook deliveries"),
    "callbacks": lazy_gettext("Answers of the simulated provider"),
}
_CAUSES: dict[str, LazyString] = {
    "redis": lazy_gettext("Redis does not answer: nothing is consumed."),
    "no_worker": lazy_gettext("No worker of this queue is alive."),
    "no_beat": lazy_gettext("Beat is not alive: nothing ticks."),
    "stuck": lazy_gettext("A worker is up and does not consume."),
}

#: Kinds of work that can be asked for again -> by what, and how people call that.
AGAIN: dict[str, tuple[str, LazyString]] = {
    "pdfs": ("admin.operations.print_again", lazy_gettext("Make them again")),
    "receipt_pdfs": ("admin.operations.print_again", lazy_gettext("Make them again")),
    "sendings": ("admin.operations.send_again", lazy_gettext("Send them again")),
}


@blp.get("")
@requires(ADMINISTRATION)
def show() -> str:
    """Everything at this moment; a browser with a script asks again by itself."""
    return render_template(
        "admin/operations.html",
        now=hub_status.collect_status(),
        kinds=KINDS,
        again=AGAIN,
        cause=_cause,
        at=_at,
        mib=_mib,
    )


@blp.post("/failures/<int:failure_id>/retry")
@requires(ADMINISTRATION)
def retry(failure_id: int) -> Response:
    """Run a failed task once more."""
    failure = failed_tasks.retry(failure_id, actor=actor())
    flash(gettext("%(task)s is on its way again.", task=failure.task), "good")
    return _back()


@blp.post("/pdfs")
@requires(ADMINISTRATION)
def print_again() -> Response:
    """Have the PDFs made that were given up."""
    count = backlogs.print_again(actor=actor())
    flash(gettext("PDFs that are made again: %(count)s.", count=count), "good")
    return _back()


@blp.post("/queues/<queue>/drain")
@requires(ADMINISTRATION)
def drain(queue: str) -> Response:
    """Keep a queue from being worked on."""
    queue_drain.drain(queue, actor=actor())
    flash(gettext("Queue %(queue)s is drained. Its work waits.", queue=queue), "good")
    return _back()


@blp.post("/queues/<queue>/resume")
@requires(ADMINISTRATION)
def resume_queue(queue: str) -> Response:
    """Have a queue worked on again."""
    queue_drain.resume(queue, actor=actor())
    flash(gettext("Queue %(queue)s is worked on again.", queue=queue), "good")
    return _back()


@blp.post("/sendings")
@requires(ADMINISTRATION)
def send_again() -> Response:
    """Send the e-invoices again that were given up."""
    count = resend.resend_given_up(actor=actor())
    flash(gettext("E-invoices that are sent again: %(count)s.", count=count), "good")
    return _back()


@blp.post("/endpoints/<int:endpoint_id>/pause")
@requires(ADMINISTRATION)
def pause(endpoint_id: int) -> Response:
    """Switch an endpoint off, whoever it belongs to; deliveries wait."""
    reason = loaded(EndpointReasonSchema(), reason=request.form.get("reason", ""))["reason"]
    circuit_breaker.disable(endpoints.find_for_update(endpoint_id, None), reason, actor=actor())
    flash(gettext("Switched off. What happens meanwhile waits."), "good")
    return _back()


@blp.post("/endpoints/<int:endpoint_id>/resume")
@requires(ADMINISTRATION)
def resume(endpoint_id: int) -> Response:
    """Switch an endpoint on; when deliveries wait, one goes first."""
    circuit_breaker.enable(endpoints.find_for_update(endpoint_id, None), actor=actor())
    flash(gettext("Switched on."), "good")
    return _back()


def _back() -> Response:
    return redirect(url_for("admin.operations.show"), _SEE_OTHER)


def _cause(health: QueueHealth) -> str:
    return str(_CAUSES.get(health.cause, ""))


def _at(seconds: float) -> datetime:
    """A moment that was noted as seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def _mib(size: int) -> int:
    return round(size / 2**20)
