"""Lists of provider accounts, for the API and for the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select

from app.accounts.ownership import Scope
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.provider_accounts.directory import scoped
from app.extensions import db
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import QuerySource
from app.kernel.text.plain_letters import contains_folded


def find_page(query: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Return a page of accounts, newest first; archived ones only if asked for."""
    size = query["per_page"]
    selected = _filtered(query, scope).order_by(ProviderAccount.id.desc()).limit(size + 1)
    if "cursor" in query:
        selected = selected.where(ProviderAccount.id < query["cursor"])
    rows = list(db.session.scalars(selected))
    next_cursor = rows[size - 1].id if len(rows) > size else None
    return {"data": rows[:size], "meta": {"per_page": size, "next_cursor": next_cursor}}


def source(filters: Mapping[str, Any], scope: Scope) -> QuerySource:
    """The accounts for a page; archived ones only if asked for; ``search`` is a part of the name."""
    query = _filtered(filters, scope)
    if search := filters.get("search"):
        query = query.where(contains_folded(ProviderAccount.name, search))
    return QuerySource(query, {"created": Order((ProviderAccount.id,))}, "-created")


def _filtered(filters: Mapping[str, Any], scope: Scope) -> Select[Any]:
    query = scoped(scope)
    if not filters.get("archived", False):
        query = query.where(ProviderAccount.archived_at.is_(None))
    return query.where(ProviderAccount.mode == filters["mode"]) if "mode" in filters else query
