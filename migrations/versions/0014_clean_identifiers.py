"""Numbers, codes and names that are keys lose invisible ends and get the normal form NFC; collisions are logged.

Each row is changed in a transaction of its own, so running processes wait for no more than one row. Where a unique
value is taken by another row, the row stays as it is. ``flask hub doctor`` lists these rows later.
"""

from __future__ import annotations

import logging
import unicodedata

import sqlalchemy as sa
from alembic import op
from sqlalchemy.exc import DataError, IntegrityError

revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

log = logging.getLogger("alembic.runtime.migration")
BATCH = 1000
COLUMNS = {
    "customers": ("code",),
    "salesmen": ("name",),
    "couriers": ("code",),
    "sales_invoices": ("invoice_no", "tracking_no"),
    "sales_items": ("item_code", "barcode", "batch_no"),
    "suppliers": ("external_id", "code"),
    "products": ("external_id", "code"),
    "fabrics": ("external_id", "code"),
    "fabric_colors": ("color", "color_code", "color_shade"),
    "production_orders": ("external_id", "code"),
    "flow_infos": ("style", "color"),
    "flow_parts": ("part_name",),
    "goods_receipts": ("external_id", "invoice_no", "erp_invoice_no"),
    "fabric_items": (
        "external_id", "color", "color_code", "color_shade", "external_order_ids", "fpo", "grn", "warehouse",
    ),
    "supplier_rolls": ("supplier_roll_no", "factory_roll_no", "shade"),
    "e_invoices": (
        "sales_invoice_no",
        "marketplace_order_no",
        "marketplace",
        "buyer_tax_id",
        "provider_status",
        "provider_invoice_id",
    ),
    "e_invoice_items": ("sku",),
    "webhook_deliveries": ("reference",),
    "users": ("email",),
}
# Columns that may not be blank.
REQUIRED = {
    "customers": ("code",),
    "salesmen": ("name",),
    "couriers": ("code",),
    "sales_invoices": ("invoice_no",),
    "sales_items": ("item_code",),
    "fabric_colors": ("color",),
    "flow_infos": ("style", "color"),
    "flow_parts": ("part_name",),
    "goods_receipts": ("external_id", "invoice_no"),
    "suppliers": ("external_id",),
    "products": ("external_id",),
    "fabrics": ("external_id",),
    "production_orders": ("external_id",),
    "fabric_items": ("color", "grn"),
    "supplier_rolls": ("supplier_roll_no",),
    "users": ("email",),
}
LISTS = {"external_order_ids"}
# Most texts are plain ASCII that begins and ends with a visible character: the database leaves them out.
PLAIN = "'^([!-~]([ -~]*[!-~])?)?$'"
INVISIBLE_RANGES = (
    (0x0000, 0x0020), (0x007F, 0x00A0), (0x00AD, 0x00AD), (0x034F, 0x034F), (0x061C, 0x061C), (0x115F, 0x1160),
    (0x1680, 0x1680), (0x17B4, 0x17B5), (0x180B, 0x180F), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F),
    (0x2800, 0x2800), (0x3000, 0x3000), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB), (0xFFFE, 0xFFFF), (0x1BCA0, 0x1BCA3), (0x1D173, 0x1D17A), (0xE0000, 0xE0FFF),
)
INVISIBLE = "".join(chr(code) for first, last in INVISIBLE_RANGES for code in range(first, last + 1))


def clean(value):
    if isinstance(value, list):
        return [clean(entry) for entry in value]
    return unicodedata.normalize("NFC", value.strip(INVISIBLE))


def unclean(column: str) -> str:
    if column in LISTS:
        return f"EXISTS (SELECT FROM unnest({column}) AS entry WHERE entry !~ {PLAIN})"
    return f"{column} !~ {PLAIN}"


def clean_column(connection: sa.Connection, table: str, column: str) -> None:
    read = sa.text(f"SELECT id, {column} FROM {table} WHERE id > :after AND {unclean(column)} ORDER BY id LIMIT {BATCH}")
    write = sa.text(f"UPDATE {table} SET {column} = :new WHERE id = :id AND {column} = :old")
    after, changed = 0, 0
    while rows := connection.execute(read, {"after": after}).all():
        after = rows[-1].id
        for row_id, old in rows:
            new = clean(old)
            if new == old:
                continue
            if not new and column in REQUIRED.get(table, ()):
                log.warning("%s %s: %s %r stays, because it has no visible character", table, row_id, column, old)
                continue
            try:
                changed += connection.execute(write, {"id": row_id, "old": old, "new": new}).rowcount
            except IntegrityError:
                log.warning("%s %s: %s %r stays, because another row has %r", table, row_id, column, old, new)
            except DataError:
                log.warning("%s %s: %s %r stays, because its form NFC is too long", table, row_id, column, old)
    if changed:
        log.info("%s: cleaned %s in %s rows", table, column, changed)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        for table, columns in COLUMNS.items():
            for column in columns:
                clean_column(connection, table, column)


def downgrade() -> None:
    """Nothing to undo: the code before this revision reads clean identifiers too."""
