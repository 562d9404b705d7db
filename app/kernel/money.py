"""Exact decimals: rounding of amounts and their form in JSON."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")
#: The largest amount of any field; database columns hold more, so that differences fit too.
LARGEST_AMOUNT = Decimal("9999999999999.99")


def round_half_up(amount: Decimal) -> Decimal:
    """Round half up to two decimals; each line is rounded before lines are summed."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def plain_decimal(amount: Decimal) -> Decimal:
    """The same number in its shortest form with at least one decimal: ``920.00`` becomes ``920.0``."""
    text = f"{amount:f}"
    whole, _, decimals = text.partition(".")
    return Decimal(f"{whole}.{decimals.rstrip('0') or '0'}")
