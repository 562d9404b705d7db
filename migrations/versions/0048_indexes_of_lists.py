"""Indexes of lists: rolls, names of master data, errors among API calls, actions of the audit trail.

The indexes of whole roll numbers and of warehouses go: the previous release finds the same rows more slowly until it
ends.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None

ROLLS, ITEMS = "supplier_rolls", "fabric_items"
MASTERS = ("suppliers", "fabrics", "products", "production_orders")
NUMBERS = ("supplier_roll_no", "factory_roll_no")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for column in NUMBERS:
            prefix = sa.text(f"lower({column}) text_pattern_ops")
            create(f"ix_{ROLLS}_{column}_prefix", ROLLS, [prefix])
            drop(f"ix_{ROLLS}_{column}_lower", ROLLS)
        create(f"ix_{ROLLS}_supplier_roll_no_id", ROLLS, ["supplier_roll_no", "id"])
        create(f"ix_{ROLLS}_inspected", ROLLS, ["id"], postgresql_where=sa.text("inspected_at IS NOT NULL"))
        create(f"ix_{ROLLS}_waiting", ROLLS, ["id"], postgresql_where=sa.text("inspected_at IS NULL"))
        for column in ("color", "warehouse"):
            create(f"ix_{ITEMS}_{column}_lower", ITEMS, [sa.text(f"lower({column})")])
        drop(f"ix_{ITEMS}_warehouse", ITEMS)
        for table in MASTERS:
            create(f"ix_{table}_name_id", table, ["name", "id"])
        create("ix_audit_entries_action", "audit_entries", [sa.text("action text_pattern_ops"), "id"])
        errors = sa.text("status >= 400")
        create("ix_api_calls_errors", "api_calls", ["status", "created_at"], postgresql_where=errors)
        op.execute(f"ANALYZE {ROLLS}")
        op.execute(f"ANALYZE {ITEMS}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for column in NUMBERS:
            create(f"ix_{ROLLS}_{column}_lower", ROLLS, [sa.text(f"lower({column})")])
            drop(f"ix_{ROLLS}_{column}_prefix", ROLLS)
        create(f"ix_{ITEMS}_warehouse", ITEMS, ["warehouse"])
        for table in MASTERS:
            drop(f"ix_{table}_name_id", table)
        for name in ("supplier_roll_no_id", "inspected", "waiting"):
            drop(f"ix_{ROLLS}_{name}", ROLLS)
        for column in ("color", "warehouse"):
            drop(f"ix_{ITEMS}_{column}_lower", ITEMS)
        drop("ix_audit_entries_action", "audit_entries")
        drop("ix_api_calls_errors", "api_calls")


def create(name: str, table: str, columns: list[Any], **options: Any) -> None:
    """Create an index without a lock; an interrupted run leaves an invalid one of its name."""
    drop(name, table)
    op.create_index(name, table, columns, postgresql_concurrently=True, **options)


def drop(name: str, table: str) -> None:
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
