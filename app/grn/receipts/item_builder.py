"""From a payload to rows: fabric items and rolls with all that is derived, ready to be stored in bulk."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.grn.errors import BadFields, Fault
from app.grn.models.columns import LengthUnit
from app.grn.models.receipts import FabricItem, SupplierRoll
from app.grn.schemas.fields import LARGEST_QUANTITY
from app.kernel import clock
from app.kernel.messages import N_, Message

Data = Mapping[str, Any]
Path = tuple[str | int, ...]

#: What inspection found, and what the supplier said about the same.
MEASURED = {
    "inspected_length": "supplier_length",
    "inspected_width": "supplier_width",
    "inspected_weight": "supplier_weight",
}
_CUT = N_("More than that was cut off this roll as blanket.")
_FOUND = (*MEASURED, "gsm", "blanket_qty", "shade", "extra")


class Stored:
    """Rows that a new list may carry on, each taken once: by ``id``, else by the client's own number."""

    def __init__(self, rows: Iterable[Any], key: str) -> None:
        self._by_id = {row.id: row for row in rows}
        self._key = key
        self._by_key: dict[str, deque[Any]] = defaultdict(deque)
        for row in self._by_id.values():
            if getattr(row, key) is not None:
                self._by_key[getattr(row, key)].append(row)

    def reserve(self, entries: Sequence[Data], path: Path, unknown: str) -> list[Fault]:
        """Those named by id are spoken for before any is found by its number; returns ids that are none of these."""
        named: set[int] = set()
        faults: list[Fault] = []
        for position, entry in enumerate(entries):
            row_id = entry.get("id")
            if row_id is not None and (row_id not in self._by_id or row_id in named):
                faults.append(((*path, position, "id"), row_id, unknown))
            named.add(row_id or 0)
        for waiting in self._by_key.values():
            for row in [row for row in waiting if row.id in named]:
                waiting.remove(row)
        return faults

    def take(self, entry: Data) -> Any:
        """The stored row that ``entry`` carries on, or None."""
        if entry.get("id") is not None:
            return self._by_id.pop(entry["id"])
        waiting = self._by_key.get(entry.get(self._key) or "")
        return self._by_id.pop(waiting.popleft().id) if waiting else None

    @property
    def left(self) -> list[Any]:
        """What nothing carried on."""
        return list(self._by_id.values())


def new_rolls(entries: Sequence[Data], stored: Stored, path: Path = ("supplierRollList",)) -> list[SupplierRoll]:
    """The rolls of a packing list; a roll that is carried on keeps its id and what inspection found.

    Raises:
        BadFields: an id that is none of the item's rolls, or a roll from which more was cut off already.
    """
    if faults := stored.reserve(entries, path, N_("No such roll here, or named twice.")):
        raise BadFields(faults)
    rolls = [_roll(entry, stored.take(entry), position) for position, entry in enumerate(entries)]
    # What was cut off an inspected roll stays cut off when the supplier's list comes again with other lengths.
    if faults := [((*path, roll.position, "supplierLength"), roll.length, _CUT) for roll in rolls if too_short(roll)]:
        raise BadFields(faults)
    return rolls


def too_short(roll: SupplierRoll) -> bool:
    """Whether more was cut off a roll than there is."""
    return roll.length is not None and roll.blanket_qty > roll.length


def _roll(entry: Data, before: Any, position: int) -> SupplierRoll:
    roll = SupplierRoll(
        id=before and before.id,
        position=position,
        inspected_at=before and before.inspected_at,
        **{name: value for name, value in entry.items() if name not in {"id", *_FOUND}},
    )
    for name in _FOUND:
        kept = getattr(before, name) if before else None
        suppliers = {entry.get(MEASURED[name]), before and getattr(before, MEASURED[name])} if name in MEASURED else ()
        setattr(roll, name, kept if _repeats(name, entry, kept, suppliers) else entry[name])
    roll.blanket_qty = roll.blanket_qty or Decimal(0)
    measured = any(getattr(roll, name) is not None for name in MEASURED)
    roll.inspected_at = (roll.inspected_at or clock.now()) if measured else None
    return roll


def _repeats(name: str, entry: Data, kept: Any, suppliers: Collection[Any]) -> bool:
    """Whether ``entry`` says nothing new: before inspection a read shows the supplier's measure, which is no finding.

    Nor is it one when the supplier's measure is corrected while the read's copy of the old one is put back.
    """
    return name not in entry or (kept is None and entry[name] in suppliers)


def new_item(entry: Data, before: Any, position: int, rolls: list[SupplierRoll]) -> FabricItem:
    """A fabric item with its rolls."""
    facts = {name: value for name, value in entry.items() if name not in {"id", "rolls", "grn_qty"}}
    item = FabricItem(id=before and before.id, position=position, declared_grn_qty=entry.get("grn_qty"), **facts)
    item.rolls = rolls
    derive(item, ("fabricItemList", position))
    return item


def derive(item: FabricItem, path: Path = ()) -> None:
    """Set ``grn_qty`` and ``roll_count`` from the rolls.

    Raises:
        BadFields: the sum is larger than any quantity may be.
    """
    measure = "supplier_weight" if item.uom_length == LengthUnit.KILOGRAM else "supplier_length"
    known = [value for roll in item.rolls if (value := getattr(roll, measure)) is not None]
    item.roll_count = len(item.rolls)
    # A packing list that says nothing about quantity leaves what was sent.
    item.grn_qty = sum(known, Decimal(0)) if known else item.declared_grn_qty
    if item.grn_qty is not None and item.grn_qty > Decimal(LARGEST_QUANTITY):
        sentence = Message(N_("The rolls add up to more than %(n)s."), n=LARGEST_QUANTITY)
        raise BadFields([((*path, "grnQty"), item.grn_qty, sentence)])


def references(entries: Iterable[Data]) -> Iterator[tuple[Path, str, int]]:
    """Each id of master data in fabric items: where it stands, what it names, and the id."""
    for position, entry in enumerate(entries):
        for name, kind in (("fabricId", "fabric_id"), ("orderId", "order_id")):
            if entry.get(kind) is not None:
                yield ("fabricItemList", position, name), kind, entry[kind]
