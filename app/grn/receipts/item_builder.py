"""Builder of fabric items and rolls: turns a payload into rows with derived quantities, for the bulk upsert."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from app.grn.errors import BadFields, Fault
from app.grn.models.columns import LengthUnit
from app.grn.models.receipts import FabricItem, SupplierRoll
from app.grn.schemas.fields import MAX_QUANTITY
from app.kernel import clock
from app.kernel.messages import N_, Message

Data = Mapping[str, Any]
Path = tuple[str | int, ...]

#: Column of an inspected measure to the column of the same measure as the supplier stated it.
INSPECTED_TO_SUPPLIER = {
    "inspected_length": "supplier_length",
    "inspected_width": "supplier_width",
    "inspected_weight": "supplier_weight",
}
_CUT = N_("More than that was cut off this roll as blanket.")
_INSPECTION_COLUMNS = (*INSPECTED_TO_SUPPLIER, "gsm", "blanket_qty", "shade", "extra")


class StoredRows:
    """Stored rows that the entries of a new list can take over.

    An entry matches a row by ``id``, else by the column ``key`` (the client's own number); each row is taken once.
    """

    def __init__(self, rows: Iterable[Any], key: str) -> None:
        self._by_id = {row.id: row for row in rows}
        self._key = key
        self._by_key: dict[str, deque[Any]] = defaultdict(deque)
        for row in self._by_id.values():
            if getattr(row, key) is not None:
                self._by_key[getattr(row, key)].append(row)

    def reserve(self, entries: Sequence[Data], path: Path, unknown: str) -> list[Fault]:
        """Reserve the rows that entries name by ``id``, so that no other entry takes them by ``key``.

        Returns the errors for ids that are unknown or named twice.
        """
        seen: set[int] = set()
        faults: list[Fault] = []
        for position, entry in enumerate(entries):
            row_id = entry.get("id")
            if row_id is not None and (row_id not in self._by_id or row_id in seen):
                faults.append(((*path, position, "id"), row_id, unknown))
            seen.add(row_id or 0)
        for rows in self._by_key.values():
            for row in [row for row in rows if row.id in seen]:
                rows.remove(row)
        return faults

    def take(self, entry: Data) -> Any:
        """Remove and return the stored row that ``entry`` matches, or None."""
        if entry.get("id") is not None:
            return self._by_id.pop(entry["id"])
        rows = self._by_key.get(entry.get(self._key) or "")
        return self._by_id.pop(rows.popleft().id) if rows else None

    @property
    def unmatched(self) -> list[Any]:
        """Rows that no entry has taken."""
        return list(self._by_id.values())


def build_rolls(entries: Sequence[Data], stored: StoredRows, path: Path = ("supplierRollList",)) -> list[SupplierRoll]:
    """Build the rolls of a packing list; a roll that matches a stored one keeps its id and its inspection.

    Raises:
        BadFields: an id is none of the item's rolls, or the blanket of a roll is longer than its new length.
    """
    if faults := stored.reserve(entries, path, N_("No such roll here, or named twice.")):
        raise BadFields(faults)
    rolls = [_build_roll(entry, stored.take(entry), position) for position, entry in enumerate(entries)]
    # A stored blanket quantity stays when the client sends the list again with other lengths.
    if faults := [
        ((*path, roll.position, "supplierLength"), roll.length, _CUT) for roll in rolls if blanket_exceeds_length(roll)
    ]:
        raise BadFields(faults)
    return rolls


def blanket_exceeds_length(roll: SupplierRoll) -> bool:
    """Whether the blanket that was cut off is longer than the roll."""
    return roll.length is not None and roll.blanket_qty > roll.length


def _build_roll(entry: Data, before: Any, position: int) -> SupplierRoll:
    roll = SupplierRoll(
        id=before and before.id,
        position=position,
        inspected_at=before and before.inspected_at,
        **{name: value for name, value in entry.items() if name not in {"id", *_INSPECTION_COLUMNS}},
    )
    for name in _INSPECTION_COLUMNS:
        stored = getattr(before, name) if before else None
        setattr(roll, name, stored if _keeps_stored_value(name, entry, before, stored) else entry[name])
    roll.blanket_qty = roll.blanket_qty or Decimal(0)
    measured = any(getattr(roll, name) is not None for name in INSPECTED_TO_SUPPLIER)
    roll.inspected_at = (roll.inspected_at or clock.now()) if measured else None
    return roll


def _keeps_stored_value(name: str, entry: Data, before: Any, stored: Any) -> bool:
    """Whether ``entry`` brings no new inspection value for the column ``name``.

    Before the inspection of a roll, the API shows the supplier's measure as ``length``, ``width`` and ``weight``. A
    client may send that value back, also together with a corrected supplier's measure: this is no inspection.
    """
    if name not in entry:
        return True
    if stored is not None or name not in INSPECTED_TO_SUPPLIER:
        return False
    supplier_column = INSPECTED_TO_SUPPLIER[name]
    return entry[name] in {entry.get(supplier_column), before and getattr(before, supplier_column)}


def build_item(entry: Data, before: Any, position: int, rolls: list[SupplierRoll]) -> FabricItem:
    """Build a fabric item with its rolls."""
    facts = {name: value for name, value in entry.items() if name not in {"id", "rolls", "grn_qty"}}
    item = FabricItem(id=before and before.id, position=position, declared_grn_qty=entry.get("grn_qty"), **facts)
    item.rolls = rolls
    set_derived_quantities(item, ("fabricItemList", position))
    return item


def set_derived_quantities(item: FabricItem, path: Path = ()) -> None:
    """Set ``grn_qty`` and ``roll_count`` from the rolls.

    Raises:
        BadFields: the sum is larger than any quantity may be.
    """
    measure = "supplier_weight" if item.uom_length == LengthUnit.KILOGRAM else "supplier_length"
    known = [value for roll in item.rolls if (value := getattr(roll, measure)) is not None]
    item.roll_count = len(item.rolls)
    # If no roll has the measure, the quantity that the client sent stays.
    item.grn_qty = sum(known, Decimal(0)) if known else item.declared_grn_qty
    if item.grn_qty is not None and item.grn_qty > Decimal(MAX_QUANTITY):
        sentence = Message(N_("The rolls add up to more than %(n)s."), n=MAX_QUANTITY)
        raise BadFields([((*path, "grnQty"), item.grn_qty, sentence)])


def master_references(entries: Iterable[Data]) -> Iterator[tuple[Path, str, int]]:
    """Yield each reference of fabric items to master data: its path in the payload, its column and the id."""
    for position, entry in enumerate(entries):
        for name, kind in (("fabricId", "fabric_id"), ("orderId", "order_id")):
            if entry.get(kind) is not None:
                yield ("fabricItemList", position, name), kind, entry[kind]
