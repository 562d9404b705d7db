"""Customers and salesmen for pages, each with the number of invoices and what is not delivered yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import func, literal, select

from app.extensions import db
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import Count, QuerySource
from app.kernel.text.plain_letters import begins_folded
from app.sales.models.invoices import SalesInvoice
from app.sales.models.masters import Customer, Salesman
from app.sales.queries.search import customers_searched
from app.sales.state_machine import Status

#: Invoices of one partner that are counted.
MAX_COUNTED_INVOICES = 1_000


@dataclass(frozen=True, slots=True)
class Business:
    """What a partner's invoices come to: how many there are, and how many of which amount are not delivered."""

    invoices: Count
    undelivered: int
    undelivered_amount: Decimal


def customers(filters: Mapping[str, Any]) -> QuerySource:
    """The customers in which each word of ``search`` begins a word of the code or the name."""
    query = select(Customer)
    if filters.get("search"):
        query = customers_searched(query, filters["search"])
    return QuerySource(query, {"name": Order((Customer.name, Customer.id)), "code": Order((Customer.code,))}, "name")


def salesmen(filters: Mapping[str, Any]) -> QuerySource:
    """The salesmen whose name begins with ``search``."""
    query = select(Salesman)
    if filters.get("search"):
        query = query.where(begins_folded(Salesman.name, filters["search"]))
    return QuerySource(query, {"name": Order((Salesman.name,))}, "name")


def business_of_customers(ids: Sequence[int]) -> Mapping[int, Business]:
    """The business of some customers, by id."""
    return _business(Customer, SalesInvoice.customer_id, ids)


def business_of_salesmen(ids: Sequence[int]) -> Mapping[int, Business]:
    """The business of some salesmen, by id."""
    return _business(Salesman, SalesInvoice.salesman_id, ids)


def _business(model: Any, key: Any, ids: Sequence[int]) -> Mapping[int, Business]:
    of_partner = select(literal(1)).where(key == model.id).correlate(model).limit(MAX_COUNTED_INVOICES + 1)
    count = select(func.count()).select_from(of_partner.subquery()).scalar_subquery()
    # A literal: by it the planner finds the partial index.
    is_open = SalesInvoice.status != literal(Status.DELIVERED.value, literal_execute=True)
    total = func.coalesce(func.sum(SalesInvoice.total_amount), 0)
    open_ones = select(func.count().label("number"), total.label("amount")).where(key == model.id, is_open)
    undelivered = open_ones.correlate(model).lateral()
    query = select(model.id, count.label("invoices"), undelivered.c.number, undelivered.c.amount)
    rows = db.session.execute(query.select_from(model).join(undelivered, literal(True)).where(model.id.in_(ids)))
    return {row.id: Business(_counted(row.invoices), row.number, row.amount) for row in rows}


def _counted(number: int) -> Count:
    return Count(min(number, MAX_COUNTED_INVOICES), number <= MAX_COUNTED_INVOICES)
