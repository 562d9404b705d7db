"""Deliveries: who was told what, when, and with which answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from app import events
from app.extensions import db
from app.webhooks.endpoints.service import Scope
from app.webhooks.errors import UnknownDelivery
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import Endpoint


def find(delivery_id: int, scope: Scope) -> Delivery:
    """One delivery with its attempts, its endpoint, and the event whose body it sends.

    Raises:
        UnknownDelivery: there is none, or not for this caller.
    """
    options = (contains_eager(Delivery.endpoint), joinedload(Delivery.source), selectinload(Delivery.tries))
    return _one(_scoped(scope).where(Delivery.id == delivery_id).options(*options))


def find_for_update(delivery_id: int, scope: Scope) -> Delivery:
    """One delivery, held until the commit.

    Raises:
        UnknownDelivery: there is none, or not for this caller.
    """
    query = _scoped(scope).where(Delivery.id == delivery_id).options(contains_eager(Delivery.endpoint))
    return _one(query.with_for_update(of=Delivery))


def find_page(query: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Deliveries that all filters hold for, newest first."""
    size = query["per_page"]
    selected = _filtered(_scoped(scope), query).order_by(Delivery.id.desc()).limit(size + 1)
    if query.get("cursor"):
        selected = selected.where(Delivery.id < query["cursor"])
    rows = list(db.session.scalars(selected.options(contains_eager(Delivery.endpoint))))
    following = rows[size - 1].id if len(rows) > size else None
    return {"data": rows[:size], "meta": {"per_page": size, "next_cursor": following}}


def _scoped(scope: Scope) -> Select[Any]:
    query = select(Delivery).join(Delivery.endpoint)
    return query if scope is None else query.where(Endpoint.owner_id == scope)


def _one(query: Select[Any]) -> Delivery:
    found: Delivery | None = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise UnknownDelivery
    return found


def _filtered(selected: Select[Any], query: Mapping[str, Any]) -> Select[Any]:
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
