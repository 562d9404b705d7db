"""Import of an invoice: customer, salesman, invoice, items and event in one statement, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from psycopg.errors import UniqueViolation

from app import events
from app.extensions import db
from app.kernel import clock, json
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.money import LARGEST_AMOUNT, round_half_up
from app.kernel.schemas.fast_dump import make_dumper
from app.kernel.unit_of_work import sole_statement
from app.sales.errors import DuplicateInvoice
from app.sales.events import IMPORTED
from app.sales.imports.derived_columns import (
    CUSTOMER,
    CUSTOMER_OPTIONS,
    INVOICE,
    INVOICE_ROW,
    ITEM,
    blanks,
    sql_list,
    sql_record,
)
from app.sales.imports.duplicate_diff import differences
from app.sales.queries.lookup import find_by_number
from app.sales.queries.search import customer_words, invoice_words
from app.sales.state_machine import BillingStatus, Status

#: The constraint that fails when two imports store one number at the same time.
UNIQUE_NUMBER = "uq_sales_invoices_invoice_no"
_ITEM_BLANKS = blanks(ITEM)
_INVOICE_BLANKS = blanks(INVOICE)
_JSON = tuple(column for column in INVOICE_ROW if column.is_json)

# One statement for the busiest endpoint of the hub, event included. A number that is known writes nothing; one that is
# stored meanwhile fails the whole statement. A customer or salesman that is already stored as sent is only read: an
# upsert would lock the row until the commit and queue up all imports for one customer.
_IMPORT = f"""
    WITH given AS (
        SELECT * FROM json_to_record(%(customer)s::json)
            AS g({sql_record(CUSTOMER)}, words text[])
        WHERE NOT EXISTS (SELECT FROM sales_invoices WHERE invoice_no = %(invoice_no)s)
    ), old_customer AS (
        SELECT c.* FROM customers c JOIN given g ON c.code = g.code
    ), new_customer AS (
        INSERT INTO customers AS c (code, name, search, {sql_list(CUSTOMER_OPTIONS)}, created_at, updated_at)
        SELECT g.code, g.name, array_to_tsvector(g.words), {sql_list(CUSTOMER_OPTIONS, "coalesce(g.{name}, {blank})")},
            %(moment)s, %(moment)s
        FROM given g
        WHERE NOT EXISTS (
            SELECT FROM old_customer s
            WHERE (g.name, {sql_list(CUSTOMER_OPTIONS, "coalesce(g.{name}, s.{sql})")})
                IS NOT DISTINCT FROM (s.name, {sql_list(CUSTOMER_OPTIONS, "s.{sql}")})
        )
        ON CONFLICT (code) DO UPDATE SET (name, search, updated_at, {sql_list(CUSTOMER_OPTIONS)}) = (
            SELECT g.name, excluded.search, excluded.updated_at,
                {sql_list(CUSTOMER_OPTIONS, "coalesce(g.{name}, c.{sql})")} FROM given g
        )
        RETURNING *
    ), customer AS (
        SELECT id, {sql_list(CUSTOMER)} FROM (TABLE new_customer UNION ALL TABLE old_customer) AS found LIMIT 1
    ), old_salesman AS (
        SELECT id FROM salesmen WHERE name = %(salesman)s::text
    ), new_salesman AS (
        INSERT INTO salesmen (name, created_at)
        SELECT %(salesman)s::text, %(moment)s
        FROM given
        WHERE %(salesman)s::text IS NOT NULL AND NOT EXISTS (SELECT FROM old_salesman)
        ON CONFLICT (name) DO UPDATE SET name = excluded.name
        RETURNING id
    ), salesman AS (
        SELECT id FROM new_salesman UNION ALL SELECT id FROM old_salesman LIMIT 1
    ), invoice AS (
        INSERT INTO sales_invoices (
            {sql_list(INVOICE_ROW)}, customer_id, salesman_id, created_user_id, status, billing_status, total_amount,
            search, created_at, updated_at
        )
        SELECT
            {sql_list(INVOICE_ROW, "%({name})s::{type}")}, customer.id, (SELECT id FROM salesman),
            %(created_user_id)s::bigint, %(status)s, %(billing_status)s, %(total_amount)s,
            array_to_tsvector(%(words)s::text[]), %(moment)s, %(moment)s
        FROM customer
        RETURNING id, salesman_id
    ), item AS (
        INSERT INTO sales_items (invoice_id, line_no, line_total, {sql_list(ITEM)})
        SELECT invoice.id, i.line_no, i.line_total, {sql_list(ITEM, "i.{name}")}
        FROM invoice, json_to_recordset(%(items)s::json)
            AS i(line_no integer, line_total numeric, {sql_record(ITEM)})
        RETURNING id, line_no
    ), event AS ({
    events.INSERT_EVENT_SQL.format(
        subject_id="invoice.id",
        late="ARRAY[invoice.id::text, row_to_json(customer)::text, invoice.salesman_id::text] "
        "|| (SELECT array_agg(item.id::text ORDER BY item.line_no) FROM item)",
        source="invoice, customer",
    )
})
    SELECT id FROM invoice
    """  # noqa: S608 - only names of columns and constants are put in
# psycopg caches the parsed form of statements up to 4,096 characters; with indentation this one is longer (tested).
_COMPACT_IMPORT = " ".join(_IMPORT.split())
#: Dumps the values of an invoice as its event shows it.
dump = make_dumper(IMPORTED.schema)
_LATE_INVOICE_ID, _LATE_CUSTOMER, _LATE_SALESMAN_ID, _LATE_ITEM_IDS = 1, 2, 3, 4


def import_invoice(data: Mapping[str, Any], *, created_user_id: int | None) -> dict[str, Any]:
    """Store an invoice of the ERP; returns its header with the ``id``.

    If this is the first work of the unit of work, the invoice is committed when this returns.

    Raises:
        DuplicateInvoice: the number is taken, by an earlier or a parallel import.
        Invalid: the total of the items is larger than the largest amount.
    """
    invoice = new_invoice(data, created_user_id)
    row = _stored(_parameters(invoice, data))
    if row is None:
        stored = find_by_number(data["invoice_no"])
        raise DuplicateInvoice(stored.invoice_no, stored.id, differences(stored, data))
    return {**invoice, "id": row[0]}


def _stored(parameters: dict[str, Any]) -> tuple[int] | None:
    """The new id, or None when there is an invoice of this number."""
    try:
        with sole_statement() as cursor:
            return cursor.execute(_COMPACT_IMPORT, parameters).fetchone()
    except UniqueViolation as error:
        if error.diag.constraint_name != UNIQUE_NUMBER:
            raise
    # Another import was faster. All writes of the statement are rolled back, those of the customer too.
    db.session.rollback()
    return None


def item_values(item: Mapping[str, Any], line_no: int) -> dict[str, Any]:
    """The values of a line: sent values, blanks for the others, and the rounded line total."""
    return {**_ITEM_BLANKS, **item, "line_no": line_no, "line_total": line_total(item["quantity"], item["mrp"])}


def customer_values(customer: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a customer for the statement: the sent fields and the words for search."""
    return {**customer, "words": customer_words(customer["code"], customer["name"])}


def line_total(quantity: int, mrp: Decimal) -> Decimal:
    """Quantity times price, rounded half up to the cent; the total is the sum of rounded lines."""
    return round_half_up(quantity * mrp)


def total_of(line_totals: Iterable[Decimal]) -> Decimal:
    """The invoice's total.

    Raises:
        Invalid: it is larger than the largest amount; else no line is larger either.
    """
    total = sum(line_totals, Decimal(0))
    if total > LARGEST_AMOUNT:
        raise Invalid(
            {
                "items": [
                    Message(
                        N_("The total of all items may not be larger than %(n)s."),
                        n=LARGEST_AMOUNT,
                    )
                ]
            }
        )
    return total


def new_invoice(data: Mapping[str, Any], created_user_id: int | None) -> dict[str, Any]:
    """The values of a new invoice with its lines and total."""
    items = [item_values(item, number) for number, item in enumerate(data["items"], start=1)]
    total = total_of(item["line_total"] for item in items)
    declared, moment = data.get("declared_total"), clock.now()
    return {
        **_INVOICE_BLANKS,
        **data,
        "created_user_id": created_user_id,
        "status": Status.INVOICED.value,
        "billing_status": BillingStatus.BILLED.value,
        "items": items,
        "total_amount": total,
        "total_difference": None if declared is None else declared - total,
        "salesman": None,
        "return_info": None,
        "handling": None,
        "hold": None,
        "label_count": None,
        "delivery": None,
        "created_at": moment,
        "updated_at": moment,
    }


def _parameters(invoice: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **invoice,
        **{column.name: column.sql_value(invoice[column.name]) for column in _JSON},
        "customer": json.encode_text(customer_values(data["customer"])),
        "words": invoice_words(invoice["invoice_no"], invoice["temp_name"], invoice["items"]),
        "items": json.encode_text(invoice["items"]),
        "salesman": data.get("salesman"),
        "moment": invoice["created_at"],
        **events.event_params(IMPORTED, _event_invoice(invoice, data)),
    }


def _event_invoice(invoice: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The full invoice as the event shows it, with placeholders for values that only the statement knows."""
    # Zeros reserve the places of the ids, so that all events have their fields in one order.
    items = [{"id": 0, **item} for item in invoice["items"]]
    shown = dump({**invoice, "id": 0, "customer": {}, "items": items})
    shown |= {"id": events.placeholder(_LATE_INVOICE_ID), "customer": events.placeholder(_LATE_CUSTOMER)}
    if data.get("salesman"):
        shown["salesman"] = {"id": events.placeholder(_LATE_SALESMAN_ID), "name": data["salesman"]}
    for number, item in enumerate(shown["items"], start=_LATE_ITEM_IDS):
        item["id"] = events.placeholder(number)
    return shown
