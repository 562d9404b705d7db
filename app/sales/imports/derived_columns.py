"""Columns of a sales import: the fields of ``ImportSchema``, each with the database column that stores it.

The lists are derived from the schema and the models. INSERT, COPY, the event, the duplicate check, corrections and
files use them. A new field is added to the schemas (``schemas/invoices.py``), to its model and to a migration.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from marshmallow import Schema, fields, missing
from sqlalchemy import JSON, Dialect, String, Text
from sqlalchemy.dialects import postgresql

from app.kernel import json
from app.kernel.schemas.fields import CalendarDate, Identifier, Number
from app.kernel.schemas.list_field import List
from app.sales.models.invoices import SalesInvoice, SalesItem
from app.sales.models.masters import Customer
from app.sales.schemas.invoices import CustomerSchema, ImportSchema, ItemSchema

_COMPOUND = (fields.Nested, List)
_POSTGRESQL: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
#: Fields of an invoice that are stored in a table of their own, and the property of the model that returns the value.
_REFERENCES = {"salesman": "salesman_name"}


@dataclass(frozen=True, slots=True)
class Column:
    """A field of the import and the column that stores it.

    ``name`` is the field in a loaded payload, ``key`` the field in JSON, ``attribute`` the property of the model.
    ``blank`` is stored for a field that was left out. ``sql_name`` is empty for a reference to another table.
    """

    name: str
    key: str
    attribute: str
    blank: Any
    is_required: bool
    is_number: bool
    is_date: bool
    is_identifier: bool
    is_json: bool
    #: Decimals of a number.
    places: int = 0
    sql_name: str = ""
    sql_type: str = ""

    @property
    def sql_blank(self) -> str:
        """``blank`` as an SQL literal."""
        return "NULL" if self.blank is None else f"'{self.blank}'"

    def sql_value(self, value: Any) -> Any:
        """``value`` as INSERT and COPY take it."""
        return json.encode_text(value) if self.is_json and value is not None else value


def _columns(schema: Schema, model: Any) -> tuple[Column, ...]:
    plain = {name: field for name, field in schema.load_fields.items() if not isinstance(field, _COMPOUND)}
    return tuple(_column(name, field, model) for name, field in plain.items())


def _column(name: str, field: fields.Field, model: Any) -> Column:
    key = field.data_key or name
    if name in _REFERENCES:
        return Column(
            name,
            key,
            _REFERENCES[name],
            None,
            field.required,
            is_number=False,
            is_date=False,
            is_identifier=isinstance(field, Identifier),
            is_json=False,
        )
    column = model.__mapper__.columns[name]
    return Column(
        name,
        key,
        name,
        _blank(field, column),
        field.required,
        is_number=isinstance(field, Number),
        is_date=isinstance(field, CalendarDate),
        is_identifier=isinstance(field, Identifier),
        is_json=isinstance(column.type, JSON),
        places=field.places if isinstance(field, Number) else 0,
        sql_name=column.name,
        sql_type=_sql_type(column.type),
    )


def _blank(field: fields.Field, column: Any) -> Any:
    if field.load_default is not missing:
        return field.load_default
    if field.required or column.nullable:
        return None
    if isinstance(column.type, String | Text):
        return ""
    raise TypeError(f"{column}: the field needs a load_default, or the column must be nullable")


def _sql_type(kind: Any) -> str:
    """The type without its length or scale: the schema has checked both."""
    if isinstance(kind, String | Text):
        return "text"
    name: str = kind.compile(_POSTGRESQL)
    return name.partition("(")[0].lower()


#: All plain fields of an invoice, in the order of the schema.
INVOICE = _columns(ImportSchema(), SalesInvoice)
CUSTOMER = _columns(CustomerSchema(), Customer)
ITEM = _columns(ItemSchema(), SalesItem)
#: The columns of ``sales_invoices`` among them.
INVOICE_ROW = tuple(column for column in INVOICE if column.sql_name)
#: Fields of a customer that keep the stored value when they are left out.
CUSTOMER_OPTIONS = tuple(column for column in CUSTOMER if not column.is_required)


def blanks(columns: Iterable[Column]) -> dict[str, Any]:
    """The values of optional fields that were left out."""
    return {column.name: column.blank for column in columns if not column.is_required}


def names_of(columns: Iterable[Column]) -> tuple[str, ...]:
    """The names of the columns in the database."""
    return tuple(column.sql_name for column in columns)


def sql_list(columns: Iterable[Column], form: str = "{sql}") -> str:
    """Columns as a list in SQL, each in ``form`` (``{sql}``, ``{name}``, ``{type}``, ``{blank}``)."""
    return ",".join(
        form.format(sql=column.sql_name, name=column.name, type=column.sql_type, blank=column.sql_blank)
        for column in columns
    )


def sql_record(columns: Iterable[Column]) -> str:
    """Columns as ``json_to_record`` declares them, by their names in JSON text."""
    return sql_list(columns, "{name} {type}")


def row_values(columns: Sequence[Column], values: Mapping[str, Any]) -> list[Any]:
    """The values of a row as INSERT and COPY take them, in the order of ``columns``."""
    return [column.sql_value(values[column.name]) for column in columns]
