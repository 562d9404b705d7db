"""Form of a goods receipt with its fabric items: texts as stored or as typed, their payload and their errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from app.admin.forms.line_table import records
from app.admin.forms.number_input import read_number, typed_number
from app.admin.i18n.translate import translate
from app.grn import master_names, masters
from app.grn.masters import Kind
from app.grn.models.receipts import FabricItem, GoodsReceipt
from app.kernel.errors import Refusal
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.uuids import new_uuid

#: Field of a name -> the field of the payload with the id, and the kind of master data.
SUPPLIER: Mapping[str, tuple[str, Kind]] = {"supplier": ("supplierId", masters.SUPPLIERS)}
NAMES: Mapping[str, tuple[str, Kind]] = {
    "fabric": ("fabricId", masters.FABRICS),
    "order": ("orderId", masters.ORDERS),
}
#: Field -> column.
HEADER = {
    "invoiceNo": "invoice_no",
    "invoiceDate": "invoice_date",
    "erpInvoiceNo": "erp_invoice_no",
    "externalId": "external_id",
}
TEXTS = {
    "color": "color",
    "colorShade": "color_shade",
    "grn": "grn",
    "grnDate": "grn_date",
    "warehouse": "warehouse",
    "fpo": "fpo",
    "uomLength": "uom_length",
    "uomWidth": "uom_width",
}
NUMBERS = {
    "orderQty": "order_qty",
    "invoiceQty": "invoice_qty",
    "grnQty": "grn_qty",
    "orderingWidth": "ordering_width",
    "orderingGsm": "ordering_gsm",
}
_REQUIRED = frozenset({"invoiceNo", "color", "grn", "orderQty", "invoiceQty", "orderingWidth"})
#: Stands for a name that was not found, so that the schema checks the other fields too.
_UNKNOWN_ID = 1


@dataclass(slots=True)
class Fields:
    """Texts by field and errors by field; ``item_id`` is empty for the header and for a new fabric item."""

    values: dict[str, str]
    item_id: str = ""
    errors: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class ReceiptForm:
    """The header, the fabric items, and errors that belong to no field."""

    header: Fields
    items: list[Fields]
    errors: list[str] = field(default_factory=list)

    def payload(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """The receipt as the body of the API; ``stored`` is the body of the stored one, whose other fields stay."""
        known = {str(item["id"]): item for item in stored.get("fabricItemList", ())}
        items = [{**known.get(item.item_id, {}), **_payload(item, NAMES)} for item in self.items]
        return {**stored, **_payload(self.header, SUPPLIER), "fabricItemList": items}

    @property
    def has_errors(self) -> bool:
        return bool(self.errors or any(fields.errors for fields in (self.header, *self.items)))

    def add_errors(self, refusal: Refusal) -> None:
        """Put the errors of a refusal beside their fields."""
        named = {key: name for name, (key, _) in {**SUPPLIER, **NAMES}.items()}
        for path, texts in flatten_errors(refusal.errors or {"": [refusal.message]}):
            match path:
                case ("fabricItemList", int(position), str(key), *_):
                    fields = self.items[position]
                case (str(key), *_):
                    fields = self.header
                case _:
                    key, fields = "", self.header
            name = named.get(key, key)
            messages = [translate(text) for text in texts]
            if name in fields.values:
                fields.errors.setdefault(name, []).extend(messages)
            else:
                self.errors += messages


def new_form() -> ReceiptForm:
    """An empty form; its external id prevents that it is stored twice."""
    return ReceiptForm(
        Fields({**dict.fromkeys(["supplier", *HEADER], ""), "externalId": str(new_uuid())}), [new_item()]
    )


def new_item() -> Fields:
    """An empty fabric item."""
    names = [*NAMES, *TEXTS, *NUMBERS]
    return Fields({**dict.fromkeys(names, ""), "uomLength": "meter", "uomWidth": "centimeter"})


def stored_form(receipt: GoodsReceipt) -> ReceiptForm:
    """The form of a stored receipt."""
    suppliers = masters.find_names(masters.SUPPLIERS, [receipt.supplier_id])
    header = {"supplier": suppliers[receipt.supplier_id], **_texts(receipt, HEADER)}
    items = receipt.fabric_items
    fabrics = masters.find_names(masters.FABRICS, [item.fabric_id for item in items])
    orders = masters.find_names(masters.ORDERS, [item.order_id for item in items if item.order_id])
    rows = [
        {"fabric": fabrics[item.fabric_id], "order": orders.get(item.order_id or 0, ""), **_item_texts(item)}
        for item in items
    ]
    return ReceiptForm(Fields(header), [Fields(row, str(item.id)) for row, item in zip(rows, items, strict=True)])


def submitted_form(form: MultiDict[str, str]) -> ReceiptForm:
    """The form as it was typed.

    Raises:
        WrongTable: a field is missing in a fabric item.
    """
    header = {name: form.get(name, "").strip() for name in ("supplier", *HEADER)}
    items = []
    for record in records(form, ("item_id", *NAMES, *TEXTS, *NUMBERS)):
        item_id = record.pop("item_id")
        items.append(Fields({name: text.strip() for name, text in record.items()}, item_id))
    return ReceiptForm(Fields(header), items)


def _payload(fields: Fields, names: Mapping[str, tuple[str, Kind]]) -> dict[str, Any]:
    payload: dict[str, Any] = {}
    for name, text in fields.values.items():
        if name in names:
            key, kind = names[name]
            payload[key] = _find_id(fields, name, kind)
        elif name in NUMBERS:
            payload[name] = read_number(text) if text or name in _REQUIRED else None
        else:
            payload[name] = text if text or name in _REQUIRED else None
    return payload


def _find_id(fields: Fields, name: str, kind: Kind) -> int | None:
    text = fields.values[name]
    if not text and name == "order":
        return None
    ids = master_names.find_ids(kind, text) if text else []
    if len(ids) == 1:
        return ids[0]
    if not text:
        message = gettext("This field may not be blank.")
    elif ids:
        message = gettext("Several have the name “%(name)s”. Type the code.", name=text)
    else:
        message = gettext("Nothing has the name or code “%(name)s”.", name=text)
    fields.errors.setdefault(name, []).append(message)
    return _UNKNOWN_ID


def _texts(row: Any, columns: Mapping[str, str]) -> dict[str, str]:
    values = {name: getattr(row, column) for name, column in columns.items()}
    return {name: "" if value is None else str(value) for name, value in values.items()}


def _item_texts(item: FabricItem) -> dict[str, str]:
    numbers = {name: getattr(item, column) for name, column in NUMBERS.items()}
    typed = {name: "" if value is None else typed_number(value) for name, value in numbers.items()}
    return _texts(item, TEXTS) | typed
