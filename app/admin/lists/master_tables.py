"""Lists of master data: suppliers, fabrics, products and orders."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext

from app.admin.lists.columns import Column, ListTable, define, field

_NAME = Column("name", lazy_gettext("Name"), field("name"), "text", sort="name", always=True)
_CODE = Column("code", lazy_gettext("Code"), field("code"))
_EXTERNAL = Column("external", lazy_gettext("External ID"), field("external_id"))
_CREATED = Column("created", lazy_gettext("Created"), field("created_at"), sort="-created", hidden=True)

#: Name of the kind in the address -> its list.
TABLES: Mapping[str, ListTable] = {
    "suppliers": define(
        "suppliers",
        lazy_gettext("Suppliers"),
        (
            _NAME,
            _CODE,
            _EXTERNAL,
            Column("email", lazy_gettext("E-mail"), field("email"), "text"),
            Column("phone", lazy_gettext("Phone"), field("phone")),
            _CREATED,
        ),
    ),
    "fabrics": define(
        "fabrics",
        lazy_gettext("Fabrics"),
        (
            _NAME,
            _CODE,
            _EXTERNAL,
            Column("composition", lazy_gettext("Composition"), field("composition"), "text"),
            Column("gsm", lazy_gettext("Weight per area (g/m²)"), field("gsm"), "number"),
            Column("colors", lazy_gettext("Colours"), lambda row, _: len(row.colors), "number"),
            _CREATED,
        ),
    ),
    "products": define("products", lazy_gettext("Products"), (_NAME, _CODE, _EXTERNAL, _CREATED)),
    "orders": define(
        "orders",
        lazy_gettext("Orders"),
        (
            _NAME,
            _CODE,
            _EXTERNAL,
            Column("buyer", lazy_gettext("Buyer"), field("buyer"), "text"),
            Column("styles", lazy_gettext("Styles"), lambda row, _: len(row.flow_infos), "number"),
            _CREATED,
        ),
    ),
}
