"""E-invoices that were accepted too late: their index; when lines were read from the sales invoice; the Turkish i.

A mapping keeps the words as the previous release looks them up, and gets them with the plain i besides.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

ENDED_AFTER_ANSWER = (
    "number IS NOT NULL AND provider_status_at IS NOT NULL AND (status = 'cancelled' OR corrected_by_id IS NOT NULL)"
)
#: The previous release stored "İPTAL" as "i̇ptal", with a dot of its own (U+0307). A word that is there already counts.
ADD_PLAIN_WORDS = """
    UPDATE provider_accounts SET mapping = (
        SELECT (jsonb_object_agg(replace(translate(each.key, 'ı', 'i'), U&'i\\0307', 'i'), each.value)
            || mapping::jsonb)::json
        FROM json_each(mapping) each
    )
    WHERE mapping::jsonb::text ~ U&'[ı\\0307]'
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        drop()  # an interrupted run leaves an invalid index
        op.create_index(
            "ix_e_invoices_ended_after_answer",
            "e_invoices",
            ["owner_id", "id"],
            postgresql_where=sa.text(ENDED_AFTER_ANSWER),
            postgresql_concurrently=True,
        )
    op.execute(ADD_PLAIN_WORDS)
    op.add_column("e_invoices", sa.Column("sales_read_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.get_context().autocommit_block():
        drop()
    op.drop_column("e_invoices", "sales_read_at")


def drop() -> None:
    op.drop_index("ix_e_invoices_ended_after_answer", "e_invoices", if_exists=True, postgresql_concurrently=True)
