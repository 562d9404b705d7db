"""What can be done with an invoice now, by this caller, and doing it by its name: what a page offers as buttons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError

from app.kernel.errors import Invalid, Refusal
from app.sales.floor import review, transitions
from app.sales.floor.history import Actor
from app.sales.models.invoices import SalesInvoice
from app.sales.schemas.floor import (
    BoxingSchema,
    DeliveryCompleteSchema,
    DeliveryStartSchema,
    HoldRequestSchema,
    StartSchema,
    StepSchema,
)
from app.sales.schemas.invoices import ReturnSchema
from app.sales.state_machine import DELIVERY_STEP, STEPS, Step

#: Steps whose payload says more than which invoice; ``billing.correct`` comes from the ERP, not from a button.
_PAYLOADS: Mapping[str, type[Schema]] = {
    "picking.start": StartSchema,
    "packing.start": StartSchema,
    "boxing.complete": BoxingSchema,
    "delivery.complete": DeliveryCompleteSchema,
    "billing.return": ReturnSchema,
    "hold": HoldRequestSchema,
    **{step.name: DeliveryStartSchema for step in DELIVERY_STEP.values()},
}
_KINDS = {step.name: kind for kind, step in DELIVERY_STEP.items()}
OFFERED = tuple(name for name in STEPS if name != "billing.correct")


def available_steps(invoice: SalesInvoice, actor: Actor) -> list[Step]:
    """The steps that would not be refused, whatever else they need to be told."""
    return [STEPS[name] for name in OFFERED if _is_open(STEPS[name], invoice, actor)]


def _is_open(step: Step, invoice: SalesInvoice, actor: Actor) -> bool:
    if step.name == "release":
        return invoice.held_at is not None
    try:
        transitions.check(step, invoice, {}, actor)
    except Refusal:
        return False
    return True


def perform(name: str, data: Mapping[str, Any], actor: Actor) -> SalesInvoice:
    """Take a step by its name, with a payload as its endpoint takes it.

    Raises:
        Invalid: the payload lacks something, or says what the step does not take.
        Refusal: whatever the step itself refuses.
    """
    payload = _loaded(name, data)
    if name == "billing.return":
        return review.return_to_billing(payload["invoice_no"], payload["return_reason"], actor=actor)
    if name == "release":
        return transitions.release(payload, actor)
    return transitions.take(STEPS[name], payload, actor)


def _loaded(name: str, data: Mapping[str, Any]) -> dict[str, Any]:
    kind = {"delivery_type": _KINDS[name]} if name in _KINDS else {}
    try:
        loaded: dict[str, Any] = _PAYLOADS.get(name, StepSchema)().load({**data, **kind})
    except ValidationError as error:
        raise Invalid(error.messages if isinstance(error.messages, Mapping) else {"_schema": error.messages}) from error
    return loaded
