"""Inspection of a roll as a form: values as stored or as typed, errors, and measures that must be confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

from flask_babel import gettext

from app.admin.forms.number_input import read_number, typed_number
from app.admin.helpers import load_data
from app.admin.i18n.labels import label
from app.admin.i18n.translate import translate
from app.extensions import db
from app.grn.models.columns import LengthUnit
from app.grn.models.receipts import FabricItem, SupplierRoll
from app.grn.receipts import packing_list
from app.grn.receipts.item_builder import INSPECTED_TO_SUPPLIER
from app.grn.schemas.receipts import InspectionSchema
from app.kernel.errors import Invalid, Refusal
from app.kernel.http.error_envelopes import flatten_errors

#: Name of a field -> column of the roll; all but the shade are quantities.
FIELDS: Mapping[str, str] = {
    "length": "inspected_length",
    "width": "inspected_width",
    "weight": "inspected_weight",
    "gsm": "gsm",
    "blanketQty": "blanket_qty",
    "shade": "shade",
}
_NAMES = {column: name for name, column in FIELDS.items()}


@dataclass(slots=True)
class InspectionRow:
    """A roll with the texts of its fields; ``far_off`` names the fields that the viewer must confirm."""

    roll: SupplierRoll
    stored: dict[str, str]
    values: dict[str, str]
    errors: dict[str, list[str]] = field(default_factory=dict)
    far_off: list[str] = field(default_factory=list)
    is_saved: bool = False

    @property
    def needs_answer(self) -> bool:
        """Whether nothing was stored: a value is refused, or must be confirmed."""
        return bool(self.errors or self.far_off)

    @property
    def question(self) -> str:
        """The values that the viewer must confirm; the form sends it back as ``confirmed``."""
        return "&".join(f"{name}={self.values[name]}" for name in self.far_off)

    @property
    def shown(self) -> str:
        """The stored values; the form sends them back, so that a value that another person stored meanwhile is seen."""
        return urlencode(self.stored)

    @property
    def supplier_values(self) -> dict[str, str]:
        """The supplier's measures, by the name of the field; those that the supplier did not state are left out."""
        measures = {_NAMES[column]: getattr(self.roll, name) for column, name in INSPECTED_TO_SUPPLIER.items()}
        return {name: typed_number(value) for name, value in measures.items() if value is not None}


class Column(NamedTuple):
    """A column of the inspection: field, label and unit."""

    name: str
    label: str
    unit: str


def columns(item: FabricItem) -> list[Column]:
    """The fields of an inspection, that of the received quantity first; a fabric in kilogram has no unit of length."""
    is_by_weight = item.uom_length == LengthUnit.KILOGRAM
    length_unit = "" if is_by_weight else label(item.uom_length)
    length = Column("length", gettext("Length"), length_unit)
    width = Column("width", gettext("Width"), label(item.uom_width))
    weight = Column("weight", gettext("Weight"), label(LengthUnit.KILOGRAM))
    measures = [weight, width, length] if is_by_weight else [length, width, weight]
    return [
        *measures,
        Column("gsm", gettext("Weight per area"), "g/m²"),
        Column("blanketQty", gettext("Cut for the blanket"), length_unit),
        Column("shade", gettext("Shade"), ""),
    ]


def stored_row(roll: SupplierRoll) -> InspectionRow:
    """The row of a roll as it is stored."""
    stored = {name: _text(getattr(roll, column)) for name, column in FIELDS.items()}
    if not roll.blanket_qty:
        stored["blanketQty"] = ""
    return InspectionRow(roll, stored, dict(stored))


def save(receipt_id: int, item_id: int, roll_id: int, form: Mapping[str, str], *, actor: str) -> InspectionRow:
    """Store the fields that were sent and changed; an empty one removes the finding.

    Nothing is stored if a value is refused, if another person stored one since the form was shown, or if a measure is
    far off the supplier's and not yet confirmed.

    Raises:
        UnknownRoll: this item has no such roll.
    """
    row = stored_row(packing_list.find_roll(receipt_id, item_id, roll_id))
    shown = {**row.stored, **dict(parse_qsl(form.get("shown", ""), keep_blank_values=True))}
    typed = {name: form[name].strip() for name in FIELDS if name in form}
    row.values |= {name: text for name, text in typed.items() if text != shown[name]}
    changed = {name: _data(name, text) for name, text in row.values.items() if text != row.stored[name]}
    row.errors = {name: [_stored_meanwhile(row.stored[name])] for name in changed if shown[name] != row.stored[name]}
    if row.errors or not changed:
        return row
    try:
        findings = load_data(InspectionSchema(), changed)
        row.far_off = [_NAMES[column] for column in packing_list.measures_far_off(row.roll, findings)]
        if row.far_off and form.get("confirmed") != row.question:
            return row
        with db.session.begin_nested():
            saved = stored_row(packing_list.inspect(receipt_id, item_id, roll_id, findings, actor=actor))
    except Invalid as refusal:
        row.roll = packing_list.find_roll(receipt_id, item_id, roll_id)
        row.errors = _field_errors(refusal)
        return row
    saved.is_saved = True
    return saved


def _stored_meanwhile(value: str) -> str:
    if not value:
        return str(gettext("Another person removed the value meanwhile. Save again to store yours."))
    return str(gettext("Another person stored %(value)s meanwhile. Save again to replace it.", value=value))


def _field_errors(refusal: Refusal) -> dict[str, list[str]]:
    errors: dict[str, list[str]] = {}
    for path, texts in flatten_errors(refusal.errors or {}):
        name = str(path[0]) if path and path[0] in FIELDS else next(iter(FIELDS))
        errors.setdefault(name, []).extend(map(translate, texts))
    return errors


def _data(name: str, text: str) -> Any:
    if not text:
        return None
    return text if name == "shade" else read_number(text)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return typed_number(value) if isinstance(value, Decimal) else str(value)
