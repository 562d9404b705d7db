"""Discounts of a price: one as amounts of the price, several as a list with their sum."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TypedDict

from app.formats.canonical import AllowanceCharge


class Discount(TypedDict, total=False):
    """Fields of the price."""

    discount: Decimal | None
    discount_base: Decimal | None
    discounts: tuple[AllowanceCharge, ...]


def of_price(found: Sequence[AllowanceCharge]) -> Discount:
    """The fields of a price with these discounts; a charge counts as a negative one."""
    signed = [-each.amount if each.is_charge else each.amount for each in found if each.amount is not None]
    total = sum(signed, Decimal(0)) if signed else None
    if len(found) > 1:
        return {"discount": total, "discounts": tuple(found)}
    return {"discount": total, "discount_base": found[0].base if found else None}
