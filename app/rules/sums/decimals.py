"""Rounding of exact amounts to the decimals that a document prints."""

from __future__ import annotations

from decimal import ROUND_DOWN, ROUND_FLOOR, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Context, Decimal
from enum import StrEnum

#: The context of all computations here: numbers of a document have at most 60 digits (``app/formats/values.py``), and
#: products of three stay exact.
EXACT = Context(prec=200)
_HALF = Decimal("0.5")


class Rounding(StrEnum):
    """How an amount between two printed ones is rounded."""

    HALF_UP = "half_up"  # half away from zero
    HALF_EVEN = "half_even"
    HALF_CEILING = "half_ceiling"  # ``round()`` of XPath: half toward positive infinity
    DOWN = "down"
    UP = "up"  # away from zero


_MODES = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.UP: ROUND_UP,
}


def decimals_of(amount: Decimal) -> int:
    """How many decimals an amount is printed with."""
    return max(0, -int(amount.as_tuple().exponent))


def round_to(amount: Decimal, decimals: int, rounding: Rounding) -> Decimal:
    """``amount`` with so many decimals, in the context ``EXACT``."""
    step = Decimal(1).scaleb(-decimals)
    if rounding is Rounding.HALF_CEILING:
        whole = (amount.scaleb(decimals) + _HALF).quantize(Decimal(1), ROUND_FLOOR)
        return whole.scaleb(-decimals)
    return amount.quantize(step, _MODES[rounding])


#: The roundings of taxes in the order in which they are tried, each with the end of the name of its rule.
TAX_ROUNDINGS = (
    ("", Rounding.HALF_UP),
    ("_half_even", Rounding.HALF_EVEN),
    ("_half_ceiling", Rounding.HALF_CEILING),
    ("_truncated", Rounding.DOWN),
    ("_rounded_up", Rounding.UP),
)
