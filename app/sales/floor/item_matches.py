"""Lines of an invoice that the items of a correction mean: by number, barcode or item code, then batch, then order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.kernel.messages import N_, Message
from app.sales.models.invoices import SalesItem

Correction = Mapping[str, Any]


class AmbiguousItem(Exception):
    """A correction fits lines of different items; ``field`` is the identifier that it did not send."""

    def __init__(self, count: int, field: str) -> None:
        super().__init__(field)
        self.field = field
        self.message = Message(N_("Matches %(n)s items of this invoice; send %(field)s too."), n=count, field=field)


def match_items(
    lines: Sequence[SalesItem], corrections: Sequence[Correction]
) -> list[SalesItem | AmbiguousItem | None]:
    """The line of each correction: each line at most once; None where no line is left.

    Corrections with a ``line_no`` choose first: a page sends it, because it shows the lines. Then come those whose
    ``batch_no`` a line has. The others take the remaining lines in their order.
    """
    found: dict[int, SalesItem | AmbiguousItem] = {}
    taken: set[int] = set()
    numbered = {line.line_no: line for line in lines}
    for number, correction in enumerate(corrections):
        line_no = correction.get("line_no")
        if line_no in numbered and line_no not in taken:
            found[number] = numbered[line_no]
            taken.add(line_no)
    candidates = [candidate_lines(lines, correction) for correction in corrections]
    for by_batch in (True, False):
        for number, correction in enumerate(corrections):
            if number in found or "line_no" in correction:
                continue
            free = [line for line in candidates[number] if line.line_no not in taken]
            if by_batch:
                free = [line for line in free if correction.get("batch_no") and line.batch_no == correction["batch_no"]]
            if free:
                match = found[number] = _first(free, correction)
                if isinstance(match, SalesItem):
                    taken.add(match.line_no)
    return [found.get(number) for number in range(len(corrections))]


def candidate_lines(lines: Sequence[SalesItem], correction: Correction) -> list[SalesItem]:
    """The lines with the barcode, else with the item code; the code also separates lines with the same barcode."""
    barcode, code = correction.get("barcode"), correction.get("item_code")
    found = [line for line in lines if barcode and line.barcode == barcode]
    if not found:
        return [line for line in lines if code and line.item_code == code]
    return [line for line in found if line.item_code == code] or found


def _first(lines: Sequence[SalesItem], correction: Correction) -> SalesItem | AmbiguousItem:
    for field in ("item_code", "barcode"):
        if not correction.get(field) and len({getattr(line, field) for line in lines}) > 1:
            return AmbiguousItem(len(lines), field)
    return lines[0]
