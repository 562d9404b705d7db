"""Transitions of an invoice by a step of ``steps.py``: all checks first, then the change, its history and its event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select

from app import events
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid, Refusal
from app.kernel.messages import N_, Code, Message
from app.sales.errors import (
    AlreadyHandled,
    NobodyHasIt,
    NotAWorker,
    NotOnHold,
    NotYourPlace,
    OnHold,
    SomebodyElseHasIt,
    UnknownInvoice,
    WrongState,
)
from app.sales.events import STATUS_CHANGED
from app.sales.floor import work_sessions
from app.sales.floor.history import Actor, record
from app.sales.floor.work_sessions import MAY_WORK, Worker
from app.sales.models.floor import WorkSession
from app.sales.models.invoices import SalesInvoice
from app.sales.models.masters import Courier
from app.sales.queries.lookup import find_by_number, lock_by_numbers
from app.sales.state_machine import SUPERVISORS, DeliveryType, Outcome, Section, Status, Step, Who

#: Sessions that this call opened, by worker and section; a bulk start puts all its invoices into one session.
Opened = dict[tuple[int, str], WorkSession]
_DETAILS = ("label_count", "courier", "tracking_no", "proof_note", "reason")


def take(step: Step, data: Mapping[str, Any], actor: Actor) -> SalesInvoice:
    """Take ``step`` with the invoice ``data["invoice_no"]``.

    Raises:
        UnknownInvoice: no such number.
        WrongState: the table has no such move.
        AlreadyHandled, NobodyHasIt, SomebodyElseHasIt, WorkerBusy: it or the worker is not free.
        OnHold: it must wait.
        NotAWorker, NotYourPlace: the caller may not.
    """
    return _take(step, find_by_number(data["invoice_no"], lock=True), data, actor, {})


def take_all(
    step_of: Mapping[str, Step], orders: Sequence[Mapping[str, Any]], actor: Actor
) -> list[SalesInvoice | Refusal]:
    """Take a step with many invoices; outcomes in order. A refused invoice changes nothing and stops no other."""
    found = lock_by_numbers({order["invoice_no"] for order in orders})
    work_sessions.lock_sessions(invoice.handling.session_id for invoice in found.values() if invoice.handling)
    opened: Opened = {}
    outcomes: dict[int, SalesInvoice | Refusal] = {}
    # Sessions are opened in the order of drivers, so two tours with the same drivers do not deadlock.
    for place, order in sorted(enumerate(orders), key=lambda numbered: numbered[1].get("driver_id", 0)):
        try:
            invoice = found.get(order["invoice_no"])
            if invoice is None:
                raise UnknownInvoice
            outcomes[place] = _take(step_of[order["invoice_no"]], invoice, order, actor, opened)
        except Refusal as refusal:
            outcomes[place] = refusal
    return [outcomes[place] for place in range(len(orders))]


def cancel(step_of: Mapping[str, Step], data: Mapping[str, Any], actor: Actor) -> SalesInvoice:
    """End the session of an invoice, which waits again; ``step_of`` has the step for each state."""
    invoice = find_by_number(data["invoice_no"], lock=True)
    step = step_of.get(invoice.status)
    if step is None:
        raise WrongState(Message(N_("cancel its session")), list(step_of), invoice.status)
    return _take(step, invoice, data, actor, {})


def release(step: Step, data: Mapping[str, Any], actor: Actor) -> SalesInvoice:
    """End a hold. The worker who had the invoice gets it back if free; else it waits to be started."""
    invoice = find_by_number(data["invoice_no"], lock=True)
    check(step, invoice, data, actor)
    before = invoice.status
    invoice.hold_reason = invoice.held_by = invoice.held_at = None
    worker = work_sessions.hand_back(invoice)
    return _finish(step, invoice, before, data, actor, worker=worker)


def _take(step: Step, invoice: SalesInvoice, data: Mapping[str, Any], actor: Actor, opened: Opened) -> SalesInvoice:
    before = invoice.status
    worker = check(step, invoice, data, actor)
    courier = _courier(data["courier"]) if "courier" in step.needs else None
    if step.opens and worker and step.section:
        key = (worker.id, step.section.value)
        if key not in opened:
            opened[key] = work_sessions.open_session(worker, step.section.value)
        work_sessions.assign(opened[key], invoice)
    if step.ends:
        work_sessions.release(invoice, step.ends)
    if before not in step.resumes:
        invoice.status = step.moves[Status(before)].value
    _write_facts(step, invoice, data, actor, worker=worker, courier=courier)
    return _finish(step, invoice, before, data, actor, worker=worker)


def _finish(
    step: Step, invoice: SalesInvoice, before: str, data: Mapping[str, Any], actor: Actor, *, worker: Worker | None
) -> SalesInvoice:
    invoice.updated_at = clock.now()
    details = {name: data[name] for name in _DETAILS if data.get(name)}
    mine = (worker.id, worker.name) if worker else None
    record(invoice, step.name, before, actor, note=data.get("note", ""), worker=mine, details=details)
    db.session.flush()
    events.emit(STATUS_CHANGED, invoice, subject_id=invoice.id, step=step.name, previous_status=before)
    return invoice


def check(step: Step, invoice: SalesInvoice, data: Mapping[str, Any], actor: Actor) -> Worker | None:
    """Raise the refusal that ``take`` would raise; return the worker of the step."""
    if step.lifts_hold and invoice.held_at is None:
        raise NotOnHold
    if invoice.held_at is not None and not (step.while_held or step.lifts_hold):
        raise OnHold(invoice.invoice_no, invoice.hold_reason or "")
    held = invoice.handling
    if held is not None and step.opens and invoice.status in {*step.resumes, *step.moves.values()}:
        raise AlreadyHandled(invoice.invoice_no, held.session.worker, held.session.section)
    if invoice.status not in {*step.moves, *step.resumes}:
        raise WrongState(Code(step.name, step.does), list(step.moves), invoice.status)
    if step.who is Who.ANYONE:
        return Worker(held.session.worker_id, held.session.worker) if held else None
    if actor.user_id is None:
        raise NotAWorker
    if step.who is Who.WORKER:
        return _worker(data, actor)
    if held is None and not (step.while_held and actor.role in SUPERVISORS):
        raise NobodyHasIt(invoice.invoice_no, invoice.status)
    if held and held.session.worker_id != actor.user_id and actor.role not in SUPERVISORS:
        raise SomebodyElseHasIt(invoice.invoice_no, held.session.worker)
    return Worker(held.session.worker_id, held.session.worker) if held else None


def _worker(data: Mapping[str, Any], actor: Actor) -> Worker:
    """The caller, the assigned driver, or the worker for whom a supervisor acts."""
    if data.get("driver_id") is not None:
        return _found_worker("driver_id", data["driver_id"])
    wanted = data.get("worker_id", actor.user_id)
    if wanted == actor.user_id:
        return Worker(actor.user_id or 0, actor.name)
    if actor.role not in SUPERVISORS:
        raise NotYourPlace
    return _found_worker("worker_id", wanted)


def list_workers() -> list[Worker]:
    """All users who may take steps, by name."""
    users = db.session.scalars(select(User).where(*MAY_WORK).order_by(User.name, User.id))
    return [Worker(user.id, user.name) for user in users]


def _found_worker(field: str, user_id: int) -> Worker:
    user: User | None = db.session.scalar(select(User).where(User.id == user_id, *MAY_WORK))
    if user is None:
        raise Invalid({field: [N_("No such worker.")]})
    return Worker(user.id, user.name)


def _courier(code: str) -> Courier:
    courier: Courier | None = db.session.scalar(
        select(Courier).where(Courier.code == code, Courier.is_active.is_(True))
    )
    if courier is None:
        raise Invalid({"courier": [N_("No such courier.")]})
    return courier


def _write_facts(
    step: Step,
    invoice: SalesInvoice,
    data: Mapping[str, Any],
    actor: Actor,
    *,
    worker: Worker | None,
    courier: Courier | None,
) -> None:
    """Write the facts of the step (hold, labels, delivery) into the invoice."""
    moment = clock.now()
    if step.ends is Outcome.HELD:
        invoice.hold_reason, invoice.held_by, invoice.held_at = data["reason"], actor.name, moment
    elif step.while_held:
        invoice.hold_reason = invoice.held_by = invoice.held_at = None
    if "label_count" in step.needs:
        invoice.label_count = data["label_count"]
    if step.section is Section.DELIVERY:
        _deliver(step, invoice, data, worker, courier)


def _deliver(
    step: Step, invoice: SalesInvoice, data: Mapping[str, Any], worker: Worker | None, courier: Courier | None
) -> None:
    moment, internal = clock.now(), step.delivery_type is DeliveryType.INTERNAL
    if step.ends is Outcome.CANCELLED:
        clear_delivery(invoice)
        return
    if step.delivery_type:
        invoice.delivery_type, invoice.dispatched_at, invoice.courier = step.delivery_type.value, moment, courier
        invoice.tracking_no = data["tracking_no"] if courier else None
        invoice.driver_id, invoice.driver = (worker.id, worker.name) if worker and internal else (None, None)
    if invoice.status == Status.DELIVERED:
        invoice.delivered_at, invoice.proof_note = moment, data.get("proof_note", "")


def clear_delivery(invoice: SalesInvoice) -> None:
    """Clear a delivery that did not take place; the history keeps it."""
    invoice.delivery_type = invoice.dispatched_at = invoice.courier = invoice.tracking_no = None
    invoice.driver_id = invoice.driver = None
