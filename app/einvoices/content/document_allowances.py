"""Allowances and charges of a whole document: their amounts, their VAT, and the share of a credit note."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.einvoices.lifecycle.totals import HUNDRED, ZERO, distribute, round_half_up
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message

#: An allowance or charge as it is stored: the names of the API.
Row = dict[str, Any]


def complete(
    rows: Sequence[Mapping[str, Any]], nets: Mapping[Decimal, Decimal], digits: int, *, may_charge: bool
) -> list[Row]:
    """The rows with the amount of each percentage, and with a VAT rate.

    Args:
        nets: net amount of the lines of each VAT rate.
        may_charge: whether charges are allowed; INV-01 has none before tax.

    Raises:
        Invalid: a rate is not that of a line, an amount is too large or has too many decimals.
    """
    completed = [_complete(row, nets, digits) for row in rows]
    if faults := dict(_find_faults(completed, nets, digits, may_charge=may_charge)):
        raise Invalid({"allowances": faults})
    return completed


def adjustments(rows: Sequence[Row]) -> dict[Decimal, Decimal]:
    """Charges less allowances for each VAT rate."""
    sums: dict[Decimal, Decimal] = {}
    for row in rows:
        rate = Decimal(row["vat_rate"])
        sums[rate] = sums.get(rate, ZERO) + signed(row)
    return sums


def shares_of_lines(rows: Sequence[Row], lines: Sequence[tuple[Decimal, Decimal]], digits: int) -> list[Decimal]:
    """What each line bears of the allowances and charges of its VAT rate, in proportion to its net amount.

    Args:
        lines: VAT rate and net amount.
    """
    shares = [ZERO] * len(lines)
    for row in rows:
        places = [place for place, (rate, _) in enumerate(lines) if rate == row["vat_rate"]]
        parts = distribute(Decimal(row["amount"]), [lines[place][1] for place in places], digits)
        for place, part in zip(places, parts, strict=True):
            shares[place] += part if row["is_charge"] else -part
    return shares


def signed(row: Mapping[str, Any]) -> Decimal:
    """The amount as it changes the total."""
    return Decimal(row["amount"]) if row["is_charge"] else -Decimal(row["amount"])


def credit_shares(
    rows: Sequence[Row],
    left: Sequence[Decimal],
    nets: Mapping[Decimal, tuple[Decimal, Decimal, Decimal]],
    digits: int,
) -> list[Row]:
    """The part of each row that a credit note gives back, in proportion to the net amounts; the last takes the rest.

    Never is more of an allowance left than net amount: otherwise a last credit note would be negative.

    Args:
        left: of each row, what earlier credit notes left.
        nets: for each rate, the net amount of the sale, what is left of it, and what this credit
            note takes.
    """
    taken = list(left)
    for rate in {row["vat_rate"] for row in rows}:
        whole, remaining, credited = nets[Decimal(rate)]
        for is_charge in (False, True):
            places = [n for n, row in enumerate(rows) if row["vat_rate"] == rate and row["is_charge"] is is_charge]
            if places and credited != remaining:
                total = sum((Decimal(rows[n]["amount"]) for n in places), ZERO)
                open_parts = [left[n] for n in places]
                share = round_half_up(total * credited / whole, digits) if whole else ZERO
                if not is_charge:
                    share = max(min(share, credited), sum(open_parts, ZERO) - (remaining - credited))
                share = max(ZERO, min(share, sum(open_parts, ZERO)))
                for place, part in zip(places, distribute(share, open_parts, digits), strict=True):
                    taken[place] = part
    return [
        {**{name: value for name, value in row.items() if name not in {"percent", "base"}}, "amount": amount}
        for row, amount in zip(rows, taken, strict=True)
    ]


def _complete(row: Mapping[str, Any], nets: Mapping[Decimal, Decimal], digits: int) -> Row:
    rate = row.get("vat_rate")
    if rate is None and len(nets) == 1:
        [rate] = nets
    completed = {**row, "is_charge": bool(row.get("is_charge", False)), "vat_rate": rate}
    if row.get("percent") is not None:
        base = nets.get(rate, ZERO) if rate is not None else ZERO
        completed |= {"base": base, "amount": round_half_up(base * Decimal(row["percent"]) / HUNDRED, digits)}
    return completed


def _find_faults(
    rows: Sequence[Row], nets: Mapping[Decimal, Decimal], digits: int, *, may_charge: bool
) -> Iterator[tuple[int, Any]]:
    taken: dict[Decimal, Decimal] = {}
    for index, row in enumerate(rows):
        rate, amount = row["vat_rate"], Decimal(row.get("amount", 0))
        if rate not in nets:
            yield index, {"vat_rate": [N_("Send the VAT rate of one of the items.")]}
        elif row["is_charge"] and not may_charge:
            yield index, {"is_charge": [N_("Under the tax rule gst_item, a charge is an item.")]}
        elif amount != round_half_up(amount, digits):
            text = Message(N_("Ensure that there are no more than %(places)s decimal places."), places=digits)
            yield index, {"amount": [text]}
        elif not row["is_charge"]:
            taken[rate] = taken.get(rate, ZERO) + amount
            if taken[rate] > nets[rate]:
                yield index, {"amount": [N_("The allowances may not be larger than the items of their VAT rate.")]}
