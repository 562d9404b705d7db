"""Steps that a caller can take with an invoice now, for the buttons of a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from app.kernel.errors import Invalid, Refusal
from app.sales.floor import transitions
from app.sales.floor.history import Actor
from app.sales.floor.steps import STEPS
from app.sales.models.invoices import SalesInvoice
from app.sales.state_machine import Step, Who

OFFERED = tuple(name for name, step in STEPS.items() if step.who is not Who.ERP)


def available_steps(invoice: SalesInvoice, actor: Actor) -> list[Step]:
    """The steps that would not be refused, if their payload is valid."""
    return [STEPS[name] for name in OFFERED if _is_open(STEPS[name], invoice, actor)]


def _is_open(step: Step, invoice: SalesInvoice, actor: Actor) -> bool:
    try:
        transitions.check(step, invoice, {}, actor)
    except Refusal:
        return False
    return True


def perform(name: str, data: Mapping[str, Any], actor: Actor) -> SalesInvoice:
    """Take a step by its name; ``data`` is the payload of its endpoint, without the delivery type.

    Raises:
        Invalid: the payload lacks a field or has one that the step does not take.
        Refusal: the step is refused.
    """
    step = STEPS[name]
    invoice: SalesInvoice = step.take(load_payload(step, data), actor)
    return invoice


def load_payload(step: Step, data: Mapping[str, Any]) -> dict[str, Any]:
    """Validate ``data`` by the schema of a step's endpoint; a delivery step adds its type.

    Raises:
        Invalid: the schema refuses the data.
    """
    chosen = {"delivery_type": step.delivery_type.value} if step.delivery_type else {}
    try:
        loaded: dict[str, Any] = step.payload().load({**data, **chosen})
    except ValidationError as error:
        raise Invalid(error.messages if isinstance(error.messages, Mapping) else {"_schema": error.messages}) from error
    return loaded
