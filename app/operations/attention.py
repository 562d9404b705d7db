"""What needs a person: one list for the overview, the operations page and ``flask hub doctor``; red entries first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from app.accounts.guards import ADMINISTRATION, SETTINGS
from app.accounts.models.accounts import AuditEntry, User
from app.accounts.module_status import SHOWN_AFTER_END, WARNING_DAYS, status_of
from app.accounts.modules import ModuleGrant
from app.accounts.ownership import Scope
from app.accounts.tokens import service as tokens
from app.einvoices.models.documents import EinvoiceDocument, EinvoiceOfficialCheck
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoicePdf
from app.einvoices.official import check_report
from app.einvoices.providers import lockouts
from app.einvoices.queries.problems import PROBLEMS
from app.evidence.models import EvidenceMail, EvidenceStamp
from app.extensions import db
from app.grn.ledgers import service as ledgers
from app.grn.models.papers import ReceiptPdf
from app.kernel import clock
from app.kernel.database import month_partitions
from app.kernel.messages import N_, Code, Message, as_message
from app.kernel.pagination.keyset import count_rows
from app.kernel.worker.work_queue import WorkState
from app.operations.backup.create import BACKUP_SUBJECT
from app.operations.models import FailedTask
from app.sales.floor import review_queue
from app.sales.models.invoices import SalesInvoice
from app.sales.state_machine import Status
from app.webhooks.access import ABILITY as WEBHOOKS
from app.webhooks.endpoints import health

#: A review that waits longer is red.
REVIEW_LIMIT = timedelta(days=1)
#: A PDF that is due for longer is stuck.
PRINT_LIMIT = timedelta(minutes=10)
#: Age of the last backup that is a warning, and that is red.
BACKUP_WARNING, BACKUP_LIMIT = timedelta(days=2), timedelta(days=7)
#: Attempts to stamp or mail a root after which it needs a person.
ROOT_ATTEMPTS = 3
#: Entries of one kind; further ones are not listed.
MAX_ENTRIES = 5


@dataclass(frozen=True, slots=True)
class Need:
    """An entry of the list.

    Attributes:
        since: when it began, if that is known.
        ends_at: when a token or a module ends.
        link: values of the page that the entry leads to: the object, or a filter.
    """

    kind: str
    message: Message
    is_red: bool = False
    since: datetime | None = None
    ends_at: datetime | None = None
    link: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """The ability with which one sees the entries, and the function that finds them."""

    ability: str
    find: Callable[[Scope], Iterator[Need]]


def list_needs(may: Callable[[str], bool], scope: Scope) -> list[Need]:
    """What needs the caller, red entries first: those whose ability ``may`` accepts, of the rows of ``scope``."""
    found = [need for source in SOURCES if may(source.ability) for need in source.find(scope)]
    return sorted(found, key=lambda need: not need.is_red)


def _number(query: Select[Any]) -> str:
    count, is_exact = count_rows(query)
    return f"{count}" if is_exact else f"{count}+"


def _reviews(_scope: Scope) -> Iterator[Need]:
    for oldest in review_queue.list_waiting(1):
        number = _number(select(SalesInvoice).where(SalesInvoice.status == Status.REVIEW))
        yield Need(
            "reviews",
            Message(N_("Sales invoices in review: %(n)s"), n=number),
            is_red=oldest.returned_at < clock.now() - REVIEW_LIMIT,
            since=oldest.returned_at,
        )


_EINVOICE_TEXTS = {
    "rejected": N_("E-invoices that the provider rejected: %(n)s"),
    "not_sent": N_("E-invoices that could not be sent: %(n)s"),
    "in_doubt": N_("E-invoices in doubt, because the provider gave no clear answer: %(n)s"),
    "contradicted": N_("E-invoices of which the provider contradicts a decision: %(n)s"),
    "accepted_late": N_("E-invoices that the provider accepted after they were cancelled or corrected: %(n)s"),
    "unconfirmed": N_("E-invoices of which the provider did not confirm a decision: %(n)s"),
}
#: They are no error yet.
_MILD = frozenset({"in_doubt", "unconfirmed"})


def _einvoices(scope: Scope) -> Iterator[Need]:
    for problem, condition in PROBLEMS.items():
        query = select(Einvoice).where(condition(), *_owned(Einvoice.owner_id, scope))
        if (number := _number(query)) != "0":
            message = Message(_EINVOICE_TEXTS[problem], n=number)
            yield Need("einvoices", message, is_red=problem not in _MILD, link={"attention": problem})


def _owned(column: Any, scope: Scope) -> tuple[Any, ...]:
    return () if scope is None else (column == scope,)


def _endpoints(scope: Scope) -> Iterator[Need]:
    for each in health.endpoint_health(scope, MAX_ENTRIES).worst:
        name, link = each.endpoint.description or each.endpoint.url, {"endpoint_id": each.endpoint.id}
        if each.endpoint.status != "enabled" or each.endpoint.waiting_because:
            yield Need("endpoints", Message(N_("Webhook endpoint is off: %(name)s"), name=name), link=link)
        if each.failed:
            text = N_("Failed webhook deliveries to %(name)s: %(n)s")
            yield Need(
                "deliveries",
                Message(text, name=name, n=each.failed),
                is_red=True,
                link={**link, "state": "failed"},
            )
        if each.late:
            text = N_("Late webhook deliveries to %(name)s: %(n)s")
            yield Need("deliveries", Message(text, name=name, n=each.late), link={**link, "state": "pending"})


def _stuck(rows: type[EinvoicePdf | ReceiptPdf]) -> Any:
    is_late = and_(rows.state == WorkState.PENDING, rows.due_at < clock.now() - PRINT_LIMIT)
    return or_(rows.state == WorkState.FAILED, is_late)


def _einvoice_pdfs(scope: Scope) -> Iterator[Need]:
    stuck = select(EinvoicePdf).join(Einvoice, Einvoice.id == EinvoicePdf.einvoice_id).where(_stuck(EinvoicePdf))
    yield from _prints("einvoice_pdfs", stuck.where(*_owned(Einvoice.owner_id, scope)), EinvoicePdf.einvoice_id)


def _receipt_pdfs(_scope: Scope) -> Iterator[Need]:
    yield from _prints("receipt_pdfs", select(ReceiptPdf).where(_stuck(ReceiptPdf)), ReceiptPdf.receipt_id)


_CHECK_TEXTS = {
    "faulty": N_("Legal documents in which the official rules find an error: %(n)s"),
    "failed": N_("Legal documents that could not be checked by the official rules: %(n)s"),
}


def _official_checks(scope: Scope) -> Iterator[Need]:
    queries = {"faulty": check_report.faulty_checks(scope), "failed": check_report.failed_checks(scope)}
    for name, query in queries.items():
        if (number := _number(query)) != "0":
            newest = query.with_only_columns(EinvoiceDocument.einvoice_id, EinvoiceOfficialCheck.finished_at)
            einvoice_id, at = db.session.execute(newest.order_by(EinvoiceDocument.id.desc()).limit(1)).one()
            message = Message(_CHECK_TEXTS[name], n=number)
            link = {"einvoice_id": einvoice_id}
            yield Need("official_checks", message, is_red=name == "faulty", since=at, link=link)


_PRINT_TEXTS = {
    "einvoice_pdfs": N_("PDFs of e-invoices that failed or are stuck: %(n)s"),
    "receipt_pdfs": N_("PDFs of goods receipts that failed or are stuck: %(n)s"),
}


def _prints(kind: str, stuck: Select[Any], subject: Any) -> Iterator[Need]:
    if (number := _number(stuck)) == "0":
        return
    oldest = db.session.execute(stuck.with_only_columns(subject, subject.class_.due_at).order_by(subject).limit(1))
    subject_id, due_at = oldest.one()
    message = Message(_PRINT_TEXTS[kind], n=number)
    yield Need(kind, message, is_red=True, since=due_at, link={subject.key: subject_id})


def _tokens(scope: Scope) -> Iterator[Need]:
    for token in tokens.expiring_tokens(scope=scope, limit=MAX_ENTRIES):
        message = Message(N_("API token ends: %(name)s (%(user)s)"), name=token.name, user=token.user.name)
        yield Need("tokens", message, ends_at=token.expires_at)


def _modules(scope: Scope) -> Iterator[Need]:
    now = clock.now()
    is_due = ModuleGrant.ends_at.between(now - SHOWN_AFTER_END, now + timedelta(days=max(WARNING_DAYS)))
    ending = select(ModuleGrant.user_id, User.name).join(User, User.id == ModuleGrant.user_id)
    ending = ending.where(is_due, *_owned(ModuleGrant.user_id, scope)).order_by(ModuleGrant.ends_at).limit(MAX_ENTRIES)
    for user_id, name in dict.fromkeys(map(tuple, db.session.execute(ending))):
        for status in status_of(user_id):
            if status.warning is not None:
                message = Message(N_("Module ends: %(module)s (%(user)s)"), module=Code(status.module), user=name)
                yield Need("modules", message, ends_at=status.ends_at)


def _balances(_scope: Scope) -> Iterator[Need]:
    for item in ledgers.negative_items(MAX_ENTRIES):
        message = Message(N_("Negative balance of a fabric: %(name)s"), name=f"{item.grn}, {item.color}")
        yield Need("balances", message, is_red=True, link={"receipt_id": item.receipt_id, "item_id": item.id})


def _backup(_scope: Scope) -> Iterator[Need]:
    newest = select(AuditEntry.created_at).where(AuditEntry.subject == BACKUP_SUBJECT)
    at = db.session.scalar(newest.order_by(AuditEntry.id.desc()).limit(1))
    if at is None:
        yield Need("backup", Message(N_("No backup has been made with flask hub backup.")))
    elif at < clock.now() - BACKUP_WARNING:
        yield Need("backup", Message(N_("The last backup is old.")), is_red=at < clock.now() - BACKUP_LIMIT, since=at)


def _provider_settings(_scope: Scope) -> Iterator[Need]:
    if (lane := lockouts.find_lockout()) is not None:
        text = N_(
            "The provider of EINVOICE_PROVIDER_URL refuses the credentials, and %(n)s e-invoices wait: %(reason)s"
        )
        message = Message(text, n=lockouts.count_waiting(lane), reason=as_message(lane.refusal or ""))
        yield Need("provider_settings", message, is_red=True, since=lane.refused_at)


_ROOT_WORK: tuple[tuple[type[EvidenceStamp | EvidenceMail], str], ...] = (
    (EvidenceStamp, N_("Daily roots that wait for a time stamp: %(n)s (%(reason)s)")),
    (EvidenceMail, N_("Mails with daily roots that wait: %(n)s (%(reason)s)")),
)


def _roots(_scope: Scope) -> Iterator[Need]:
    for rows, text in _ROOT_WORK:
        late = select(rows).where(rows.state != WorkState.DONE, rows.attempts >= ROOT_ATTEMPTS)
        if (number := _number(late)) != "0":
            reason = db.session.scalar(late.with_only_columns(rows.error).order_by(rows.due_at).limit(1))
            yield Need("roots", Message(text, n=number, reason=as_message(reason or "")), is_red=True)


def _failed_tasks(_scope: Scope) -> Iterator[Need]:
    query = select(FailedTask).where(FailedTask.retried_at.is_(None))
    if (number := _number(query)) != "0":
        first = db.session.scalar(query.with_only_columns(func.min(FailedTask.failed_at)))
        yield Need("failed_tasks", Message(N_("Failed tasks of the hub: %(n)s"), n=number), is_red=True, since=first)


def _partitions(_scope: Scope) -> Iterator[Need]:
    if missing := month_partitions.missing_months(clock.now()):
        text = N_("Month partitions of the database are missing: %(names)s")
        yield Need("partitions", Message(text, names=", ".join(missing)), is_red=True)
    if early := month_partitions.list_early(clock.now()):
        text = N_("New rows go to a later month, because a clock was wrong: %(names)s")
        yield Need("early_partitions", Message(text, names=", ".join(early)))


#: Everything that can need a person.
SOURCES = (
    Source("sales:import", _reviews),
    Source("einvoices:write", _einvoices),
    Source("einvoices:write", _einvoice_pdfs),
    Source("einvoices:write", _official_checks),
    Source(WEBHOOKS, _endpoints),
    Source("grn:write", _balances),
    Source("grn:write", _receipt_pdfs),
    Source(ADMINISTRATION, _provider_settings),
    Source(ADMINISTRATION, _failed_tasks),
    Source(ADMINISTRATION, _roots),
    Source(ADMINISTRATION, _backup),
    Source(ADMINISTRATION, _partitions),
    Source(SETTINGS, _tokens),
    Source(SETTINGS, _modules),
)
#: Kind of an entry -> what an operator does about it.
REMEDIES: Mapping[str, str] = {
    "reviews": "Correct them on the review desk: /admin/sales/review",
    "einvoices": "List them at /admin/einvoices; see docs/einvoices.md. In doubt: flask --app wsgi einvoices in-doubt",
    "einvoice_pdfs": "Retry them at /admin/operations; see docs/operating.md.",
    "receipt_pdfs": "Retry them at /admin/operations; see docs/operating.md.",
    "official_checks": "List them: flask --app wsgi einvoices official-report; see docs/legal-documents.md.",
    "endpoints": "Repair the receiver, and enable the endpoint at /admin/settings/webhooks",
    "deliveries": "Repair the receiver, and send again at /admin/settings/webhooks",
    "balances": "Check the ledger of the fabric item at /admin/receipts",
    "provider_settings": "Correct EINVOICE_PROVIDER_TOKEN and restart, or: flask --app wsgi einvoices test-provider",
    "failed_tasks": "Read the error, and run them again at /admin/operations",
    "roots": "Check TIMESTAMP_URL or SMTP_URL, and whether that server answers; the hub goes on trying.",
    "backup": "Run flask --app wsgi hub backup every day; see docs/backups.md.",
    "partitions": "Start beat and worker, which make them, or run: flask --app wsgi hub partitions",
    "early_partitions": "Synchronise the clocks. These rows are kept until that month has expired; nothing is lost.",
    "tokens": "Rotate it: flask --app wsgi tokens rotate",
    "modules": "Renew it: flask --app wsgi modules enable",
}
