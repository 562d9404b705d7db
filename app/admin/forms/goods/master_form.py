"""Form of a supplier, a fabric, a product or an order: texts as stored or as typed, their payload and their errors."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from werkzeug.datastructures import MultiDict

from app.admin.forms.line_table import TableLine, records
from app.admin.forms.lines import lines_of
from app.admin.forms.number_input import read_number, typed_number
from app.admin.i18n.translate import translate
from app.formats.countries import TIMEZONES
from app.formats.tax_numbers import TaxScheme
from app.grn import master_names, masters
from app.grn.masters import Kind
from app.grn.schemas.masters import FabricSchema, MasterSchema, OrderSchema, ProductSchema, SupplierSchema
from app.kernel import json
from app.kernel.errors import Refusal
from app.kernel.http.error_envelopes import flatten_errors

#: Stands for a product that was not found, so that the schema checks the other fields too.
_UNKNOWN_ID = 1


@dataclass(frozen=True, slots=True)
class Input:
    """A field of the form: its label, and how its value is read (``text``, ``number``, ``product`` or ``parts``).

    A field with ``choices``, as values with labels, is a list to select from.
    """

    label: LazyString
    kind: str = "text"
    required: bool = False
    maxlength: int = 100
    choices: Mapping[str, LazyString | str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MasterPage:
    """One kind of master data on the pages: its titles, its fields, and those of its lines under ``lines_key``."""

    kind: Kind
    schema: type[MasterSchema]
    title: LazyString
    new_title: LazyString
    inputs: Mapping[str, Input]
    lines_key: str = ""
    lines_title: LazyString | str = ""
    lines: Mapping[str, Input] = field(default_factory=dict)


_COMMON = {
    "name": Input(lazy_gettext("Name"), required=True, maxlength=200),
    "code": Input(lazy_gettext("Code")),
    "externalId": Input(lazy_gettext("External ID")),
}
_TAX_SCHEMES = {"": lazy_gettext("as its form tells"), **{each.value: each.upper() for each in TaxScheme}}
_COUNTRIES = {"": lazy_gettext("not known"), **{code: code for code in sorted(TIMEZONES)}}
PAGES: Mapping[str, MasterPage] = {
    "suppliers": MasterPage(
        masters.SUPPLIERS,
        SupplierSchema,
        lazy_gettext("Suppliers"),
        lazy_gettext("New supplier"),
        {
            **_COMMON,
            "email": Input(lazy_gettext("E-mail"), maxlength=254),
            "phone": Input(lazy_gettext("Phone"), maxlength=50),
            "address": Input(lazy_gettext("Address for print"), maxlength=500),
            "taxId": Input(lazy_gettext("Tax number"), maxlength=50),
            "taxScheme": Input(lazy_gettext("Kind of tax number"), choices=_TAX_SCHEMES),
            "taxOffice": Input(lazy_gettext("Tax office")),
            "street": Input(lazy_gettext("Street"), maxlength=300),
            "district": Input(lazy_gettext("District")),
            "city": Input(lazy_gettext("City")),
            "region": Input(lazy_gettext("State or province")),
            "postcode": Input(lazy_gettext("Postcode"), maxlength=20),
            "country": Input(lazy_gettext("Country"), choices=_COUNTRIES),
            "endpoint": Input(lazy_gettext("Electronic address")),
            "endpointScheme": Input(lazy_gettext("Scheme of the electronic address"), maxlength=10),
        },
    ),
    "fabrics": MasterPage(
        masters.FABRICS,
        FabricSchema,
        lazy_gettext("Fabrics"),
        lazy_gettext("New fabric"),
        {
            **_COMMON,
            "composition": Input(lazy_gettext("Composition"), maxlength=300),
            "gsm": Input(lazy_gettext("Weight per area (g/m²)"), "number"),
        },
        "colorList",
        lazy_gettext("Colours"),
        {
            "color": Input(lazy_gettext("Colour"), required=True),
            "colorCode": Input(lazy_gettext("Colour code")),
            "colorShade": Input(lazy_gettext("Shade")),
        },
    ),
    "products": MasterPage(
        masters.PRODUCTS, ProductSchema, lazy_gettext("Products"), lazy_gettext("New product"), _COMMON
    ),
    "orders": MasterPage(
        masters.ORDERS,
        OrderSchema,
        lazy_gettext("Orders"),
        lazy_gettext("New order"),
        {**_COMMON, "buyer": Input(lazy_gettext("Buyer"), maxlength=200)},
        "flowInfoList",
        lazy_gettext("Styles"),
        {
            "product": Input(lazy_gettext("Product"), "product", required=True, maxlength=200),
            "style": Input(lazy_gettext("Style"), required=True),
            "lineColor": Input(lazy_gettext("Colour"), required=True),
            "orderQty": Input(lazy_gettext("Ordered"), "number"),
            "partList": Input(lazy_gettext("Parts"), "parts"),
        },
    ),
}
#: Field of a line -> field of the payload, where they differ: the form has a field ``color`` of its own.
_KEYS = {"lineColor": "color", "product": "productId"}


@dataclass(slots=True)
class MasterForm:
    """Texts and errors by field, the lines, and errors that belong to no field."""

    page: MasterPage
    values: dict[str, str]
    lines: list[TableLine] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    other_errors: list[str] = field(default_factory=list)

    @property
    def has_errors(self) -> bool:
        return bool(self.errors or self.other_errors or any(line.errors for line in self.lines))

    def payload(self, stored: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the API; ``stored`` is the body of the stored row, whose other fields stay."""
        found = {**stored, **{name: _value(each, self.values[name]) for name, each in self.page.inputs.items()}}
        if self.page.lines_key:
            found[self.page.lines_key] = [self._line(line) for line in self.lines]
        return found

    def add_errors(self, refusal: Refusal) -> None:
        """Put the errors of a refusal beside their fields."""
        names = {key: name for name, key in _KEYS.items() if name in self.page.lines}
        for path, texts in flatten_errors(refusal.errors or {"": [refusal.message]}):
            messages = [translate(text) for text in texts]
            match path:
                case (key, int(number), name, *_) if key == self.page.lines_key:
                    place = names.get(str(name), str(name))
                    self.lines[number].errors.setdefault(place, []).extend(messages)
                case (name, *_) if name in self.values:
                    self.errors.setdefault(str(name), []).extend(messages)
                case _:
                    self.other_errors += messages

    def _line(self, line: TableLine) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, each in self.page.lines.items():
            text = line.values[name]
            value = _find_product(line, text) if each.kind == "product" else _value(each, text)
            found[_KEYS.get(name, name)] = value
        return {**found, **({"id": line.values["line_id"]} if line.values["line_id"] else {})}


def new_form(page: MasterPage) -> MasterForm:
    """An empty form."""
    return MasterForm(page, dict.fromkeys(page.inputs, ""), [blank_line(page)] if page.lines_key else [])


def blank_line(page: MasterPage) -> TableLine:
    """An empty line."""
    return TableLine(dict.fromkeys(["line_id", *page.lines], ""))


def stored_form(page: MasterPage, body: Mapping[str, Any]) -> MasterForm:
    """The form of a stored row, from its body in the API."""
    lines = body.get(page.lines_key, ())
    products = masters.find_names(masters.PRODUCTS, [line["productId"] for line in lines if "productId" in line])
    form = MasterForm(page, {name: _text(each, body.get(name)) for name, each in page.inputs.items()})
    for line in lines:
        values = {name: _text(each, line.get(_KEYS.get(name, name)), products) for name, each in page.lines.items()}
        keeps_id = page.kind is masters.ORDERS  # colours are matched by their names
        form.lines.append(TableLine({**values, "line_id": str(line["id"]) if keeps_id else ""}))
    return form


def submitted_form(page: MasterPage, form: MultiDict[str, str]) -> MasterForm:
    """The form as it was typed; lines without any text are left out.

    Raises:
        WrongTable: a field is missing in a line.
    """
    found = MasterForm(page, {name: form.get(name, "").strip() for name in page.inputs})
    if page.lines_key:
        for record in records(form, ("line_id", *page.lines)):
            values = {name: text.strip() for name, text in record.items()}
            if any(values[name] for name in page.lines):
                found.lines.append(TableLine(values))
    return found


def version_of(body: Mapping[str, Any]) -> str:
    """A digest of a stored row, which changes with each of its fields."""
    return hashlib.sha256(json.encode(body)).hexdigest()


def _value(each: Input, text: str) -> Any:
    if each.kind == "parts":
        return [{"partName": name} for name in lines_of(text)]
    if each.kind == "number":
        return read_number(text) if text else None
    return text if text or each.required else None


def _text(each: Input, value: Any, products: Mapping[int, str] | None = None) -> str:
    if value is None:
        return ""
    if each.kind == "parts":
        return "\n".join(part["partName"] for part in value)
    if each.kind == "product":
        return (products or {}).get(value, "")
    return typed_number(value) if each.kind == "number" else str(value)


def _find_product(line: TableLine, text: str) -> int | None:
    ids: Sequence[int] = master_names.find_ids(masters.PRODUCTS, text) if text else []
    if len(ids) == 1:
        return ids[0]
    if not text:
        message = gettext("This field may not be blank.")
    elif ids:
        message = gettext("Several have the name “%(name)s”. Type the code.", name=text)
    else:
        message = gettext("Nothing has the name or code “%(name)s”.", name=text)
    line.errors.setdefault("product", []).append(message)
    return _UNKNOWN_ID
