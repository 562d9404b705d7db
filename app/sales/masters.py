"""Customers, salesmen and couriers: listed, searched, read and edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import select

from app.accounts import audit
from app.extensions import db
from app.formats.tax_numbers import NO_ENDPOINT_SCHEME, fault_of
from app.kernel import clock
from app.kernel.errors import Invalid, NotFound
from app.kernel.pagination.keyset import Order, Page, page_by_keyset
from app.kernel.text.plain_letters import begins_folded
from app.sales.errors import UnknownCourier, UnknownCustomer, UnknownSalesman
from app.sales.floor.history import Actor
from app.sales.models.masters import Courier, Customer, Salesman
from app.sales.queries.search import customer_words, customers_searched, vector

_CHECKED = ("tax_id", "tax_scheme", "endpoint", "endpoint_scheme")
Row = TypeVar("Row", Customer, Salesman, Courier)
_BY_NAME = Order((Customer.name, Customer.id))


def find_customers(query: Mapping[str, Any]) -> Page:
    """One page of customers by name; ``search`` matches the beginnings of words of the code and the name."""
    wanted = select(Customer)
    if query.get("search"):
        wanted = customers_searched(wanted, query["search"])
    return page_by_keyset(wanted, _BY_NAME, query)


def find_salesmen(query: Mapping[str, Any]) -> Page:
    """One page of salesmen by name; ``search`` is the beginning of the name."""
    return _named(Salesman, query)


def find_couriers(query: Mapping[str, Any]) -> Page:
    """One page of couriers by name; ``search`` is the beginning of the name."""
    return _named(Courier, query)


def active_couriers() -> list[Courier]:
    """The active couriers, by name."""
    return list(db.session.scalars(select(Courier).where(Courier.is_active.is_(True)).order_by(Courier.name)))


def find_customer(customer_id: int) -> Customer:
    """Raises ``UnknownCustomer``."""
    return _one(Customer, customer_id, UnknownCustomer)


def find_salesman(salesman_id: int) -> Salesman:
    """Raises ``UnknownSalesman``."""
    return _one(Salesman, salesman_id, UnknownSalesman)


def find_courier(courier_id: int) -> Courier:
    """Raises ``UnknownCourier``."""
    return _one(Courier, courier_id, UnknownCourier)


def edit_customer(customer_id: int, data: Mapping[str, Any], actor: Actor) -> Customer:
    """Change the fields that are sent. Invoices show the customer as it is now, older events as it was then.

    Raises:
        UnknownCustomer: there is none.
        Invalid: the tax number is none of its scheme, or the electronic address has no scheme.
    """
    customer = _one(Customer, customer_id, UnknownCustomer, lock=True)
    _require_legal_facts({name: data.get(name, getattr(customer, name)) for name in _CHECKED} if data else {})
    _edit("customer", customer, data, actor)
    customer.search = vector(customer_words(customer.code, customer.name))
    customer.updated_at = clock.now()
    db.session.flush()
    return customer


def edit_salesman(salesman_id: int, data: Mapping[str, Any], actor: Actor) -> Salesman:
    """Rename a salesman; an import under the old name creates a new one.

    Raises:
        UnknownSalesman: there is none.
        DuplicateSalesman: another one has this name.
    """
    salesman = _one(Salesman, salesman_id, UnknownSalesman, lock=True)
    _edit("salesman", salesman, data, actor)
    return salesman


def add_courier(data: Mapping[str, Any], actor: Actor) -> Courier:
    """Create a courier.

    Raises:
        DuplicateCourier: the code is taken.
    """
    courier = Courier(**data)
    db.session.add(courier)
    db.session.flush()
    audit.record("courier.created", actor=actor.credential, subject=f"courier:{courier.id}", code=courier.code)
    return courier


def edit_courier(courier_id: int, data: Mapping[str, Any], actor: Actor) -> Courier:
    """Change the fields that are sent; an inactive courier takes no new parcels.

    Raises:
        UnknownCourier: there is none.
    """
    courier = _one(Courier, courier_id, UnknownCourier, lock=True)
    _edit("courier", courier, data, actor)
    return courier


def _require_legal_facts(facts: Mapping[str, str]) -> None:
    errors: dict[str, list[str]] = {}
    if facts and (fault := fault_of(facts["tax_scheme"], facts["tax_id"])):
        errors["tax_id"] = [fault]
    if facts and bool(facts["endpoint"]) != bool(facts["endpoint_scheme"]):
        errors["endpoint_scheme"] = [NO_ENDPOINT_SCHEME]
    if errors:
        raise Invalid(errors)


def _named(model: Any, query: Mapping[str, Any]) -> Page:
    wanted = select(model)
    if query.get("search"):
        wanted = wanted.where(begins_folded(model.name, query["search"]))
    return page_by_keyset(wanted, Order((model.name, model.id)), query)


def _one(model: type[Row], row_id: int, unknown: type[NotFound], *, lock: bool = False) -> Row:
    row: Row | None = db.session.get(model, row_id, with_for_update={"key_share": True} if lock else None)
    if row is None:
        raise unknown
    return row


def _edit(kind: str, row: Any, data: Mapping[str, Any], actor: Actor) -> None:
    changed = {name: [getattr(row, name), value] for name, value in data.items() if getattr(row, name) != value}
    for name, (_old, new) in changed.items():
        setattr(row, name, new)
    if changed:
        db.session.flush()
        audit.record(f"{kind}.edited", actor=actor.credential, subject=f"{kind}:{row.id}", changed=changed)
