"""Sessions of workers: opened with one invoice or a round of them, ended when the last one leaves.

Locks are taken in one order everywhere (invoices by id, then sessions by id), so steps never wait in a circle.
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

_TRIES = 3
#: Users who may hold invoices now; a role may have changed since they did.
ABLE = (
    User.is_active.is_(True),
    User.role.in_([role for role, abilities in ROLES.items() if "sales:write" in abilities]),
)


@dataclass(frozen=True, slots=True)
class Worker:
    """A user who may hold invoices."""

    id: int
    name: str


def open_session(worker: Worker, section: str) -> WorkSession:
    """Begin a session.

    Raises:
        WorkerBusy: the worker has one open in this section; the refusal names its invoices.
    """
    for _ in range(_TRIES):
        opened = _try_to_open(worker, section)
        if opened is not None:
            return opened
        if held := _open_invoices(worker.id, section):
            raise WorkerBusy(worker.name, section, held)
    # It ended between our looks each time; the caller may simply ask again.
    raise Busy(headers={"Retry-After": "1"})


def assign(session: WorkSession, invoice: SalesInvoice) -> None:
    """Put an invoice, which the caller has locked, into a session."""
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
    """Hold sessions until the transaction ends: whether an invoice is the last one is decided by one at a time."""
    wanted = sorted(set(session_ids))
    db.session.execute(
        select(WorkSession.id).where(WorkSession.id.in_(wanted)).order_by(WorkSession.id).with_for_update()
    )


def hand_back(invoice: SalesInvoice) -> Worker | None:
    """Give an invoice back to the one who had it in hand last, if that worker is free; else it waits."""
    section = HANDLED_IN.get(invoice.status)
    if section is None:
        return None
    last: WorkSession | None = db.session.scalar(
        select(WorkSession)
        .join(Assignment, Assignment.session_id == WorkSession.id)
        .join(User, User.id == WorkSession.worker_id)
        .where(Assignment.invoice_id == invoice.id, WorkSession.section == section.value, *ABLE)
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
