"""Sessions of workers: each begins with one invoice or with several, and ends when its last invoice leaves.

Locks are always taken in one order (invoices by id, then sessions by id), so steps do not deadlock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm.attributes import set_committed_value

from app.accounts.models.accounts import User
from app.accounts.roles import ROLES
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Busy
from app.sales.errors import WorkerBusy
from app.sales.models.floor import Assignment, WorkSession
from app.sales.models.invoices import SalesInvoice
from app.sales.state_machine import HANDLED_IN, Outcome

_ATTEMPTS = 3
#: Users who may have invoices now; the role of a user may have changed during a session.
MAY_WORK = (
    User.is_active.is_(True),
    User.role.in_([role for role, abilities in ROLES.items() if "sales:write" in abilities]),
)


@dataclass(frozen=True, slots=True)
class Worker:
    """A user who may have invoices."""

    id: int
    name: str


def open_session(worker: Worker, section: str) -> WorkSession:
    """Begin a session.

    Raises:
        WorkerBusy: the worker has one open in this section; the refusal names its invoices.
    """
    for _ in range(_ATTEMPTS):
        opened = _try_to_open(worker, section)
        if opened is not None:
            return opened
        if held := _open_invoices(worker.id, section):
            raise WorkerBusy(worker.name, section, held)
    # The other session ended between the two statements each time; the caller can send the request again.
    raise Busy(headers={"Retry-After": "1"})


def assign(session: WorkSession, invoice: SalesInvoice) -> None:
    """Add an invoice to a session; the caller has locked the invoice."""
    held = Assignment(session_id=session.id, invoice_id=invoice.id, started_at=clock.now())
    db.session.add(held)
    db.session.flush()
    set_committed_value(held, "session", session)
    set_committed_value(invoice, "handling", held)


def release(invoice: SalesInvoice, outcome: Outcome) -> None:
    """Take an invoice out of its session; the session ends with its last invoice."""
    held = invoice.handling
    if held is None:
        return
    lock_sessions([held.session_id])
    held.ended_at, held.outcome = clock.now(), outcome.value
    db.session.flush()
    still_open = select(Assignment.id).where(Assignment.session_id == held.session_id, Assignment.ended_at.is_(None))
    db.session.execute(
        update(WorkSession)
        .where(WorkSession.id == held.session_id, ~still_open.exists())
        .values(ended_at=held.ended_at)
        .execution_options(synchronize_session=False)
    )
    set_committed_value(invoice, "handling", None)


def lock_sessions(session_ids: Iterable[int]) -> None:
    """Lock sessions until the transaction ends, so that one transaction at a time looks for the last invoice."""
    wanted = sorted(set(session_ids))
    db.session.execute(
        select(WorkSession.id).where(WorkSession.id.in_(wanted)).order_by(WorkSession.id).with_for_update()
    )


def hand_back(invoice: SalesInvoice) -> Worker | None:
    """Assign an invoice to its last worker again, if that worker is free; else it waits."""
    section = HANDLED_IN.get(invoice.status)
    if section is None:
        return None
    last: WorkSession | None = db.session.scalar(
        select(WorkSession)
        .join(Assignment, Assignment.session_id == WorkSession.id)
        .join(User, User.id == WorkSession.worker_id)
        .where(Assignment.invoice_id == invoice.id, WorkSession.section == section.value, *MAY_WORK)
        .order_by(Assignment.id.desc())
        .limit(1)
    )
    if last is None:
        return None
    worker = Worker(last.worker_id, last.worker)
    session = _try_to_open(worker, section.value)
    if session is None:
        return None
    assign(session, invoice)
    return worker


def _try_to_open(worker: Worker, section: str) -> WorkSession | None:
    opened: WorkSession | None = db.session.scalar(
        insert(WorkSession)
        .values(worker_id=worker.id, worker=worker.name, section=section, started_at=clock.now())
        .on_conflict_do_nothing()
        .returning(WorkSession)
    )
    return opened


def _open_invoices(worker_id: int, section: str) -> Sequence[str]:
    found: Sequence[str] = db.session.scalars(
        select(SalesInvoice.invoice_no)
        .join(Assignment, Assignment.invoice_id == SalesInvoice.id)
        .join(WorkSession, WorkSession.id == Assignment.session_id)
        .where(WorkSession.worker_id == worker_id, WorkSession.section == section, Assignment.ended_at.is_(None))
        .order_by(Assignment.id)
    ).all()
    return found
