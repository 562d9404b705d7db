"""Withholding (tevkifat): the codes of GİB, each with its allowed percentages."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from app.formats.code_lists import gib_codes
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

_CODE_LENGTH = 3


@cache
def rates_of(code: str) -> tuple[Decimal, ...]:
    """The percentages of a code, the smallest first; none if GİB does not have it."""
    pairs = gib_codes("WithholdingTaxTypeWithPercent")
    return tuple(sorted(Decimal(pair[_CODE_LENGTH:]) for pair in pairs if pair[:_CODE_LENGTH] == code))


def complete_withholding(index: int, item: Mapping[str, Any]) -> dict[str, Any]:
    """The values of an item; the percentage of its code is added where the code has only one.

    Raises:
        Invalid: the code is unknown, or it does not have this percentage.
    """
    completed = dict(item)
    code, rate = item.get("withholding_code"), item.get("withholding_rate")
    if not code:
        completed["withholding_rate"] = None
        return completed
    allowed = rates_of(code)
    if not allowed:
        raise _refusal(index, "withholding_code", N_("GİB has no withholding of this code."))
    if rate is None and len(allowed) == 1:
        completed["withholding_rate"] = allowed[0]
    elif rate not in allowed:
        text = N_("This code of withholding has the percentage %(rates)s.")
        raise _refusal(index, "withholding_rate", Message(text, rates=", ".join(map(str, allowed))))
    return completed


def _refusal(index: int, field: str, message: str) -> Invalid:
    return Invalid({"items": {index: {field: [message]}}})
