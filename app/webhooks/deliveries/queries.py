"""Queries for deliveries: one by id, and the filtered list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from app import events
from app.accounts.ownership import Scope
from app.extensions import db
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import QuerySource
from app.webhooks.errors import UnknownDelivery
from app.webhooks.models.deliveries import Attempt, Delivery
from app.webhooks.models.endpoints import Endpoint

#: Attempts that are shown with a delivery.
MAX_ATTEMPTS = 100


def find(delivery_id: int, scope: Scope) -> Delivery:
    """Return a delivery with its newest attempts, its endpoint, and the event whose body it sends.

    Raises:
        UnknownDelivery: no delivery in this scope has the id.
    """
    options = (contains_eager(Delivery.endpoint), joinedload(Delivery.source))
    delivery = _one(_scoped(scope).where(Delivery.id == delivery_id).options(*options))
    # After an admin has got another role, deliveries of other users' rows are no longer shown.
    if scope is not None and delivery.source is not None and delivery.source.owner_id not in {None, scope}:
        raise UnknownDelivery
    attempts = select(Attempt).where(Attempt.delivery_id == delivery.id).order_by(Attempt.number.desc())
    newest = db.session.scalars(attempts.limit(MAX_ATTEMPTS)).all()
    set_committed_value(delivery, "attempt_log", newest[::-1])
    return delivery


def find_for_update(delivery_id: int, scope: Scope) -> Delivery:
    """Return a delivery and lock its row until the commit.

    Raises:
        UnknownDelivery: no delivery in this scope has the id.
    """
    query = _scoped(scope).where(Delivery.id == delivery_id).options(contains_eager(Delivery.endpoint))
    return _one(query.with_for_update(of=Delivery))


def find_page(query: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Return a page of the deliveries that match all filters, newest first."""
    size = query["per_page"]
    selected = _apply_filters(_scoped(scope), query).order_by(Delivery.id.desc()).limit(size + 1)
    if query.get("cursor"):
        selected = selected.where(Delivery.id < query["cursor"])
    rows = list(db.session.scalars(selected.options(contains_eager(Delivery.endpoint))))
    next_cursor = rows[size - 1].id if len(rows) > size else None
    return {"data": rows[:size], "meta": {"per_page": size, "next_cursor": next_cursor}}


def source(filters: Mapping[str, Any], scope: Scope) -> QuerySource:
    """The deliveries that match all filters, for a page."""
    query = _apply_filters(_scoped(scope), filters)
    orders = {"created": Order((Delivery.id,))}
    return QuerySource(query, orders, "-created", options=(joinedload(Delivery.endpoint),))


def _scoped(scope: Scope) -> Select[Any]:
    query = select(Delivery).join(Delivery.endpoint)
    return query if scope is None else query.where(Endpoint.owner_id == scope)


def _one(query: Select[Any]) -> Delivery:
    found: Delivery | None = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise UnknownDelivery
    return found


def _apply_filters(selected: Select[Any], query: Mapping[str, Any]) -> Select[Any]:
    for name in ("endpoint_id", "event_id", "state", "subject_id", "reference", "sequence", "response_status"):
        if query.get(name) is not None:
            selected = selected.where(getattr(Delivery, name) == query[name])
    if query.get("event") is not None:
        selected = selected.where(Delivery.event.in_(events.matching([query["event"]])))
    if query.get("since") is not None:
        selected = selected.where(Delivery.created_at >= query["since"])
    if query.get("until") is not None:
        selected = selected.where(Delivery.created_at < query["until"])
    return selected
