"""Import of a batch of invoices: the same rows and events as single imports, in a few statements."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import select, text

from app import events
from app.extensions import db
from app.kernel import json
from app.kernel.database import sequences
from app.kernel.pagination.byte_limit import fitting_rows
from app.sales.errors import DuplicateInvoice
from app.sales.events import IMPORTED
from app.sales.imports.derived_columns import (
    CUSTOMER,
    CUSTOMER_OPTIONS,
    INVOICE_ROW,
    ITEM,
    names_of,
    row_values,
    sql_list,
    sql_record,
)
from app.sales.imports.duplicate_diff import differences
from app.sales.imports.single import UNIQUE_NUMBER, customer_values, dump
from app.sales.models.invoices import SalesInvoice
from app.sales.queries.lookup import FULL, PARTS
from app.sales.queries.search import invoice_words

#: The loaded payload and the values of the invoice (``single.new_invoice``).
Drafted = tuple[Mapping[str, Any], dict[str, Any]]
Outcome = dict[str, Any] | DuplicateInvoice

# Sorted by code and locked before any invoice number: batches and single imports take locks in one order.
_CUSTOMERS = text(
    f"""
    WITH given AS (
        SELECT * FROM json_to_recordset(CAST(:given AS json))
            AS g({sql_record(CUSTOMER)}, words text[])
    ), stored AS (
        SELECT c.* FROM customers c JOIN given g ON c.code = g.code
    ), written AS (
        INSERT INTO customers AS c (code, name, search, {sql_list(CUSTOMER_OPTIONS)}, created_at, updated_at)
        SELECT g.code, g.name, array_to_tsvector(g.words), {sql_list(CUSTOMER_OPTIONS, "coalesce(g.{name}, {blank})")},
            :moment, :moment
        FROM given g
        WHERE NOT EXISTS (
            SELECT FROM stored s
            WHERE s.code = g.code AND (g.name, {sql_list(CUSTOMER_OPTIONS, "coalesce(g.{name}, s.{sql})")})
                IS NOT DISTINCT FROM (s.name, {sql_list(CUSTOMER_OPTIONS, "s.{sql}")})
        )
        ORDER BY g.code
        ON CONFLICT (code) DO UPDATE SET (name, search, updated_at, {sql_list(CUSTOMER_OPTIONS)}) = (
            SELECT g.name, excluded.search, excluded.updated_at,
                {sql_list(CUSTOMER_OPTIONS, "coalesce(g.{name}, c.{sql})")}
            FROM given g WHERE g.code = excluded.code
        )
        RETURNING *
    )
    SELECT id, {sql_list(CUSTOMER)} FROM written
    UNION ALL
    SELECT id, {sql_list(CUSTOMER)} FROM stored WHERE code NOT IN (SELECT code FROM written)
    """  # noqa: S608 - only names of columns and constants are put in
)
_SALESMEN = text(
    """
    WITH stored AS (
        SELECT id, name FROM salesmen WHERE name = ANY(:names)
    ), written AS (
        INSERT INTO salesmen (name, created_at)
        SELECT name, :moment FROM unnest(CAST(:names AS text[])) AS name
        WHERE name NOT IN (SELECT name FROM stored)
        ORDER BY name
        ON CONFLICT (name) DO UPDATE SET name = excluded.name
        RETURNING id, name
    )
    SELECT id, name FROM written UNION ALL SELECT id, name FROM stored
    """
)
# One index look-up for each number: for a plain IN the planner reads the whole table while it is small.
_TAKEN = text(
    """
    SELECT number FROM unnest(CAST(:numbers AS text[])) AS number,
        LATERAL (SELECT FROM sales_invoices WHERE invoice_no = number LIMIT 1) AS found
    """
)
_INVOICE_REST = (
    "id",
    "customer_id",
    "salesman_id",
    "created_user_id",
    "status",
    "billing_status",
    "total_amount",
    "search",
    "created_at",
    "updated_at",
)
_ITEM_REST = ("id", "invoice_id", "line_no", "line_total")


def import_many(batch: Sequence[Drafted]) -> list[Outcome]:
    """Store the new invoices of ``batch``; the outcomes, in order, are a header with the ``id`` or a refusal.

    Of two invoices with one number the first is stored. When another import stores a number meanwhile, the
    statement fails by the unique number and the batch is tried again, so it never fails as a whole.
    """
    while True:
        taken = _taken(batch)
        try:
            with db.session.begin_nested():
                stored = _store(_first_of_each(batch, taken))
        except UniqueViolation as lost:
            if lost.diag.constraint_name != UNIQUE_NUMBER:
                raise  # not a race: another attempt would fail in the same way
            continue
        return _outcomes(batch, stored)


def _taken(batch: Iterable[Drafted]) -> set[str]:
    return set(db.session.scalars(_TAKEN, {"numbers": [data["invoice_no"] for data, _ in batch]}))


def _first_of_each(batch: Iterable[Drafted], taken: set[str]) -> list[Drafted]:
    fresh: dict[str, Drafted] = {}
    for data, invoice in batch:
        if data["invoice_no"] not in taken:
            fresh.setdefault(data["invoice_no"], (data, invoice))
    return list(fresh.values())


def _outcomes(batch: Sequence[Drafted], stored: Mapping[str, dict[str, Any]]) -> list[Outcome]:
    new = {place: invoice for place, (_, invoice) in enumerate(batch) if stored.get(invoice["invoice_no"]) is invoice}
    refused = defaultdict(list)
    for place, (data, _) in enumerate(batch):
        if place not in new:
            refused[data["invoice_no"]].append(place)
    duplicates = {
        place: _duplicate(known, batch[place][0]) for known in _known(refused) for place in refused[known.invoice_no]
    }
    return [new.get(place) or duplicates[place] for place in range(len(batch))]


def _known(numbers: Collection[str]) -> Iterator[SalesInvoice]:
    """The invoices with these numbers, as many at a time as fit: a short body can name a thousand long ones."""
    query = select(SalesInvoice).where(SalesInvoice.invoice_no.in_(numbers)).order_by(SalesInvoice.id)
    last, is_cut = 0, bool(numbers)
    while is_cut:
        page = query.where(SalesInvoice.id > last).limit(len(numbers))
        invoices, is_cut = fitting_rows(page, [SalesInvoice.id], options=FULL, parts=PARTS)
        yield from invoices
        last = invoices[-1].id if invoices else last


def _duplicate(stored: SalesInvoice, data: Mapping[str, Any]) -> DuplicateInvoice:
    return DuplicateInvoice(stored.invoice_no, stored.id, differences(stored, data))


def _store(fresh: list[Drafted]) -> dict[str, dict[str, Any]]:
    """Customers and salesmen first, then everything else by COPY with reserved ids."""
    if not fresh:
        return {}
    sent, invoices = [data for data, _ in fresh], [invoice for _, invoice in fresh]
    moment = invoices[0]["created_at"]
    customers, salesmen = _customers(sent, moment), _salesmen(sent, moment)
    line_ids = iter(sequences.reserve_ids("sales_items", sum(len(invoice["items"]) for invoice in invoices)))
    for invoice, data, number in zip(invoices, sent, sequences.reserve_ids("sales_invoices", len(sent)), strict=True):
        invoice["id"], invoice["customer"] = number, customers[data["customer"]["code"]]
        if data.get("salesman"):
            invoice["salesman"] = {"id": salesmen[data["salesman"]], "name": data["salesman"]}
        for item in invoice["items"]:
            item["id"] = next(line_ids)
    # Sorted, so that parallel batches lock numbers in one order.
    headers = map(_header, sorted(invoices, key=lambda one: one["invoice_no"]))
    lines = (_line(invoice, item) for invoice in invoices for item in invoice["items"])
    _copy("sales_invoices", (*names_of(INVOICE_ROW), *_INVOICE_REST), headers)
    _copy("sales_items", (*names_of(ITEM), *_ITEM_REST), lines)
    events.emit_many(IMPORTED, ((invoice["id"], dump(invoice)) for invoice in invoices))
    return {invoice["invoice_no"]: invoice for invoice in invoices}


def _customers(fresh: Iterable[Mapping[str, Any]], moment: Any) -> dict[str, dict[str, Any]]:
    merged: dict[str, dict[str, Any]] = {}
    for data in fresh:
        merged.setdefault(data["customer"]["code"], {}).update(data["customer"])
    given = json.encode_text([customer_values(customer) for customer in merged.values()])
    rows = db.session.execute(_CUSTOMERS, {"given": given, "moment": moment}).mappings()
    return {row["code"]: dict(row) for row in rows}


def _salesmen(fresh: Iterable[Mapping[str, Any]], moment: Any) -> dict[str, int]:
    names = sorted({data["salesman"] for data in fresh if data.get("salesman")})
    rows = db.session.execute(_SALESMEN, {"names": names, "moment": moment}) if names else ()
    return {row.name: row.id for row in rows}


def _header(invoice: Mapping[str, Any]) -> list[Any]:
    salesman = invoice["salesman"]
    rest = {
        **invoice,
        "customer_id": invoice["customer"]["id"],
        "salesman_id": salesman["id"] if salesman else None,
        # Words have only letters and digits, so they need no quotes in a tsvector.
        "search": " ".join(invoice_words(invoice["invoice_no"], invoice["temp_name"], invoice["items"])),
    }
    return [*row_values(INVOICE_ROW, invoice), *(rest[name] for name in _INVOICE_REST)]


def _line(invoice: Mapping[str, Any], item: Mapping[str, Any]) -> list[Any]:
    return [*row_values(ITEM, item), item["id"], invoice["id"], item["line_no"], item["line_total"]]


def _copy(table: str, columns: tuple[str, ...], rows: Iterable[list[Any]]) -> None:
    db.session.flush()
    connection = db.session.connection().connection.driver_connection
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
