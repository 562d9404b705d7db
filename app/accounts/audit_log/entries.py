"""Reading the audit trail: by search, newest first, and by position, oldest first.

An entry becomes visible when its transaction commits, possibly after one with a higher id. So the order of readers is a
position of its own: each reader first numbers the entries that have none, one reader at a time.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, Update, and_, bindparam, cast, func, or_, select, update
from sqlalchemy.orm import aliased

from app.accounts.call_log import MAX_COUNTED_RECORDS, credential_names
from app.accounts.models.accounts import AuditEntry
from app.accounts.models.tokens import AccessToken
from app.accounts.ownership import Scope
from app.extensions import db
from app.kernel.pagination.byte_limit import fits, fitting_texts, is_last_page
from app.kernel.pagination.keyset import Order, page_by_keyset
from app.kernel.pagination.walk import QuerySource
from app.kernel.unit_of_work import unit_of_work

#: Entries that are numbered in one transaction.
BATCH_SIZE = 5000
#: It sorts behind every text.
_LAST_CHARACTER = chr(sys.maxunicode)
#: Ends a filter that means all actions or objects of one kind.
_ANY = "*"
_NEWEST_FIRST = Order((AuditEntry.id,), descending=True)
_entries = AuditEntry.__table__.c
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended("audit positions", 0)))
_HEAD = select(func.coalesce(func.max(_entries.position), 0))


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries, newest first; ``actors`` maps credentials to names; ``next`` is the URL of the next older page."""

    entries: list[AuditEntry]
    actors: dict[str, str]
    next: str | None


@dataclass(frozen=True, slots=True)
class AuditLog:
    """Entries in the order of their positions; the next page begins after ``next_after``."""

    entries: list[AuditEntry]
    next_after: int
    head: int


def search(query: Mapping[str, Any], *, scope: Scope) -> AuditPage:
    """Find the entries within ``scope`` that match ``query``.

    Raises:
        Invalid: the cursor does not belong to this list.
    """
    page = page_by_keyset(select(AuditEntry).where(*_conditions(query, scope)), _NEWEST_FIRST, query)
    named = {name for entry in page.results for name in (entry.actor, entry.subject)}
    return AuditPage(page.results, credential_names(named), page.next)


def source(filters: Mapping[str, Any], *, scope: Scope) -> QuerySource:
    """The entries within ``scope`` that match ``filters``, for a page."""
    orders = {"created": Order((AuditEntry.id,))}
    query = select(AuditEntry).where(*_conditions(filters, scope))
    return QuerySource(query, orders, "-created", count_limit=MAX_COUNTED_RECORDS)


def read_after(query: Mapping[str, Any], *, scope: Scope) -> AuditLog:
    """The entries within ``scope`` after ``query["after"]`` that match ``query``, as far as they fit in a page."""
    head, after, limit = place_entries(), query["after"], query["limit"]
    between = (AuditEntry.position > after, AuditEntry.position <= head)
    first = select(AuditEntry, cast(AuditEntry.details, Text).label("details_text"))
    first = first.where(*between, *_conditions(query, scope)).order_by(AuditEntry.position).limit(limit)
    page = first.subquery()
    sized = select(page, *fitting_texts(page.c.position, page.c.details_text)).subquery()
    found = select(aliased(AuditEntry, sized), sized.c.found).where(fits(sized.c.before)).order_by(sized.c.position)
    rows = db.session.execute(found).all()
    entries = [entry for entry, _ in rows]
    next_after = max(head, after) if is_last_page(rows, limit) else entries[-1].position
    return AuditLog(entries, next_after, head)


def place_entries() -> int:
    """Give positions to all committed entries that have none; return the last position."""
    while True:
        with unit_of_work():
            # Its holder has committed before this statement reads: two readers never give one position twice.
            db.session.execute(_LOCK)
            head: int = db.session.execute(_HEAD).scalar_one()
            placed: int = db.session.execute(_place_statement(BATCH_SIZE), {"head": head}).rowcount
        head += placed
        if placed < BATCH_SIZE:
            return head


def _place_statement(limit: int) -> Update:
    """Statement that numbers the next ``limit`` entries after the parameter ``head``."""
    unplaced = select(_entries.id).where(_entries.position.is_(None)).order_by(_entries.id).limit(limit).subquery()
    ranked = select(unplaced.c.id, func.row_number().over(order_by=unplaced.c.id).label("rank")).subquery()
    position = bindparam("head", type_=_entries.position.type) + ranked.c.rank
    return update(AuditEntry.__table__).where(_entries.id == ranked.c.id).values(position=position)


def _conditions(query: Mapping[str, Any], scope: Scope) -> list[ColumnElement[bool]]:
    exact = {"actor", "address", "request_id"}
    conditions = [getattr(AuditEntry, name) == query[name] for name in sorted(exact & query.keys())]
    if "action" in query:
        conditions.append(_is_action(query["action"]))
    if "subject" in query:
        conditions.append(_is_subject(query["subject"]))
    if scope is not None:
        conditions.append(_concerns(scope))
    if "since" in query:
        conditions.append(AuditEntry.created_at >= query["since"])
    if "until" in query:
        conditions.append(AuditEntry.created_at < query["until"])
    return conditions


def _is_action(wanted: str) -> ColumnElement[bool]:
    """The kind is a range, which the index serves in a prepared statement too. For a pattern it would read all rows."""
    if not wanted.endswith(_ANY):
        return AuditEntry.action == wanted
    begin = wanted.removesuffix(_ANY)
    return and_(AuditEntry.action.op("~>=~")(begin), AuditEntry.action.op("~<~")(begin + _LAST_CHARACTER))


def _is_subject(wanted: str) -> ColumnElement[bool]:
    if not wanted.endswith(_ANY):
        return AuditEntry.subject == wanted
    return AuditEntry.subject.startswith(wanted.removesuffix(_ANY), autoescape=True)


def _concerns(user_id: int) -> ColumnElement[bool]:
    """Condition: the user or one of the user's tokens did it, or it was done to them or to an object of the user."""
    tokens = select(func.concat("token:", AccessToken.id)).where(AccessToken.user_id == user_id)
    names = (f"user:{user_id}",)
    themselves = (column.in_(names) | column.in_(tokens) for column in (AuditEntry.actor, AuditEntry.subject))
    return or_(*themselves, AuditEntry.owner_id == user_id)
