"""Lists of invoices: filters, search and the queues of the sales floor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, literal, or_, select
from sqlalchemy.orm import joinedload, selectinload

from app.extensions import db
from app.kernel import time_zones
from app.kernel.database.daily_counts import DailyCount, count_per_day
from app.kernel.pagination.keyset import Order, Page, count_rows, large_page, page_by_keyset
from app.kernel.pagination.limits import MAX_PAGE_SIZE
from app.kernel.pagination.walk import Count, QuerySource
from app.sales.errors import NotAWorker, UnknownQueue
from app.sales.models.floor import Assignment, WorkSession
from app.sales.models.invoices import SalesInvoice
from app.sales.models.masters import Customer, Salesman
from app.sales.queries.lookup import FULL, PARTS
from app.sales.queries.search import Search, read_search, searched
from app.sales.state_machine import Status

NEWEST_FIRST = Order((SalesInvoice.id,), descending=True)
#: The number of newest invoices that ``_is_rare`` reads.
RECENT_INVOICES = 2_000
_NEWEST_OF_FEW = Order((SalesInvoice.id,), descending=True, unindexed=True)
#: Name -> order of pages; each has an index.
_ORDERS: Mapping[str, Order] = {
    "created": Order((SalesInvoice.id,)),
    "number": Order((SalesInvoice.invoice_no,)),
    "date": Order((SalesInvoice.invoice_date, SalesInvoice.id)),
}
#: What a page shows of an invoice; a page of long invoices would load all their items.
_LISTED = (
    joinedload(SalesInvoice.customer),
    joinedload(SalesInvoice.salesman),
    joinedload(SalesInvoice.handling).joinedload(Assignment.session),
    selectinload(SalesInvoice.returns),
)
_URGENT_FIRST = Order((SalesInvoice.priority_rank, SalesInvoice.id))


def imported_per_day(days: int) -> Sequence[DailyCount]:
    """The number of imported invoices on each of the last days."""
    return count_per_day(SalesInvoice.created_at, days)


def find_page(filters: Mapping[str, Any]) -> Page:
    """One page of the invoices that match all ``filters``, newest first."""
    search = read_search(filters.get("search") or "")
    query = _filtered(filters, search)
    order = NEWEST_FIRST
    if search and _is_rare(query, filters["page_size"]):
        query = _filtered(filters, search, rare=True)
        order = NEWEST_FIRST if search.is_of_many_customers else _NEWEST_OF_FEW
    return large_page(query, order, filters, options=FULL, parts=PARTS)


def source(filters: Mapping[str, Any]) -> QuerySource:
    """The invoices that match all ``filters``, for a page; the hits of a search for a common word are not counted."""
    search = read_search(filters.get("search") or "")
    query = _filtered(filters, search)
    if not search:
        return QuerySource(query, _ORDERS, "-created", options=_LISTED)
    recent = _count_recent(query, RECENT_INVOICES)
    if recent <= MAX_PAGE_SIZE:
        rare, few = _filtered(filters, search, rare=True), not search.is_of_many_customers
        return QuerySource(rare, _ORDERS, "-created", options=_LISTED, few=few)
    return QuerySource(query, _ORDERS, "-created", options=_LISTED, known=Count(recent, exact=False))


def queue_source(name: str, filters: Mapping[str, Any], caller: int | None) -> QuerySource:
    """The invoices of a queue that match all ``filters``, for a page.

    Raises:
        UnknownQueue: there is none of this name.
        NotAWorker: ``mine`` was asked for by a credential that belongs to nobody.
    """
    queue = _queue(name)
    query = filtered(filters).where(queue.condition(caller))
    return QuerySource(query, {**_ORDERS, "queue": queue.order}, "queue", options=_LISTED)


def _is_rare(query: Select[Any], page_size: int) -> bool:
    """Whether the newest invoices have fewer hits than a page.

    The planner has no statistics for beginnings of words. A scan of the newest invoices finds common words fastest,
    the index of words rare ones; the hits among the newest invoices decide.
    """
    return _count_recent(query, page_size + 1) <= page_size


def _count_recent(query: Select[Any], limit: int) -> int:
    """How many of the newest invoices match, at most ``limit``."""
    newest = select(SalesInvoice.id).order_by(SalesInvoice.id.desc()).limit(1).scalar_subquery()
    hits = query.with_only_columns(literal(1), maintain_column_froms=True)
    hits = hits.where(SalesInvoice.id > newest - RECENT_INVOICES).limit(limit)
    return db.session.scalar(select(func.count()).select_from(hits.subquery())) or 0


def filtered(filters: Mapping[str, Any]) -> Select[Any]:
    """The invoices that match all ``filters``."""
    return _filtered(filters, read_search(filters.get("search") or ""))


def _filtered(filters: Mapping[str, Any], search: Search | None, *, rare: bool = False) -> Select[Any]:
    """The invoices that match all ``filters`` and ``search``; for ``rare`` see ``searched``."""
    query = select(SalesInvoice)
    if filters.get("status"):
        query = query.where(SalesInvoice.status.in_(filters["status"]))
    for name in ("billing_status", "priority"):
        if name in filters:
            query = query.where(getattr(SalesInvoice, name) == filters[name])
    # The ids are looked up first: with them the planner knows how many rows to expect.
    if "customer" in filters:
        query = query.where(SalesInvoice.customer_id == _id(Customer, Customer.code == filters["customer"]))
    if "salesman" in filters:
        query = query.where(SalesInvoice.salesman_id == _id(Salesman, Salesman.name == filters["salesman"]))
    if "date_from" in filters:
        query = query.where(SalesInvoice.invoice_date >= filters["date_from"])
    if "date_to" in filters:
        query = query.where(SalesInvoice.invoice_date <= filters["date_to"])
    return searched(query, search, rare=rare) if search else query


def _id(model: Any, condition: ColumnElement[bool]) -> int:
    found: int | None = db.session.scalar(select(model.id).where(condition))
    return found or 0


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue of the sales floor: condition and order."""

    description: str
    condition: Callable[[int | None], ColumnElement[bool]]
    order: Order


def _waiting(*fresh: Status, handled: tuple[Status, ...] = ()) -> Callable[[int | None], ColumnElement[bool]]:
    """Not on hold, and either not started or started without a worker."""
    open_ones = select(Assignment.id).where(Assignment.invoice_id == SalesInvoice.id, Assignment.ended_at.is_(None))
    unbegun = SalesInvoice.status.in_(fresh)
    orphaned = and_(SalesInvoice.status.in_(handled), ~open_ones.exists())
    return lambda _caller: and_(SalesInvoice.held_at.is_(None), or_(unbegun, orphaned) if handled else unbegun)


def _mine(caller: int | None) -> ColumnElement[bool]:
    if caller is None:
        raise NotAWorker
    held = (
        select(Assignment.invoice_id)
        .join(WorkSession, WorkSession.id == Assignment.session_id)
        .where(WorkSession.worker_id == caller, WorkSession.ended_at.is_(None), Assignment.ended_at.is_(None))
    )
    return SalesInvoice.id.in_(held)


def _delivered_today(_caller: int | None) -> ColumnElement[bool]:
    today = time_zones.today()
    begins, ends = (time_zones.beginning_of(day) for day in (today, today + timedelta(days=1)))
    return and_(SalesInvoice.delivered_at >= begins, SalesInvoice.delivered_at < ends)


QUEUES: Mapping[str, Queue] = {
    "picking": Queue(
        "Waiting for picking, urgent and old ones first.",
        _waiting(Status.INVOICED, handled=(Status.PICKING,)),
        _URGENT_FIRST,
    ),
    "packing": Queue(
        "Waiting for packing or boxing, urgent and old ones first.",
        _waiting(Status.PICKED, handled=(Status.PACKING, Status.BOXING)),
        _URGENT_FIRST,
    ),
    "delivery": Queue(
        "Waiting for delivery, urgent and old ones first.",
        _waiting(Status.PACKED, handled=(Status.DISPATCHED,)),
        _URGENT_FIRST,
    ),
    "mine": Queue("In the caller's hands.", _mine, Order((SalesInvoice.id,))),
    "review": Queue(
        "In review at billing, longest first.",
        lambda _caller: SalesInvoice.status == Status.REVIEW,
        Order((SalesInvoice.updated_at, SalesInvoice.id)),
    ),
    "on-hold": Queue(
        "On hold, longest first.",
        lambda _caller: SalesInvoice.held_at.is_not(None),
        Order((SalesInvoice.held_at, SalesInvoice.id)),
    ),
    "delivered-today": Queue(
        "Delivered today (in the time zone of the installation), newest first.",
        _delivered_today,
        Order((SalesInvoice.delivered_at, SalesInvoice.id), descending=True),
    ),
}


def find_queue(name: str, paging: Mapping[str, Any], caller: int | None) -> Page:
    """One page of a queue.

    Raises:
        UnknownQueue: there is none of this name.
        NotAWorker: ``mine`` was asked for by a credential that belongs to nobody.
    """
    queue = _queue(name)
    return page_by_keyset(
        select(SalesInvoice).where(queue.condition(caller)), queue.order, paging, options=FULL, parts=PARTS
    )


def _queue(name: str) -> Queue:
    queue = QUEUES.get(name)
    if queue is None:
        raise UnknownQueue
    return queue


def count_queues(caller: int | None) -> list[dict[str, Any]]:
    """Each queue with how many invoices are in it, exactly up to 10,000."""
    shown = [name for name in QUEUES if caller is not None or name != "mine"]
    return [_counted(name, QUEUES[name], caller) for name in shown]


def _counted(name: str, queue: Queue, caller: int | None) -> dict[str, Any]:
    count, exact = count_rows(select(SalesInvoice).where(queue.condition(caller)))
    return {"name": name, "description": queue.description, "count": count, "count_exact": exact}
