"""Indexes of lists: words of e-invoices without accents, drafts that lack something, sales that are not delivered.

The index of the words with accents goes: the previous release finds the same rows more slowly until it ends.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

TEXT = " || ' ' || ".join(
    f"coalesce({column}, '')"
    for column in (
        "invoice_no",
        "marketplace_order_no",
        "buyer_name",
        "buyer_email",
        "buyer_tax_id",
        "provider_invoice_id",
    )
)
FOLDED = (
    "replace(replace(replace(replace(translate(lower(regexp_replace(normalize("
    f"{TEXT}, NFKD), '[\u0300-\u036f]', '', 'g')), 'ıøłđðς', 'iolddσ'), "
    "'þ', 'th'), 'æ', 'ae'), 'œ', 'oe'), 'ß', 'ss')"
)
WORDS = f"to_tsvector('simple', regexp_replace({FOLDED}, '[^[:alnum:]]+', ' ', 'g'))"
INCOMPLETE = (
    "status = 'draft' AND type = 'sale' AND (buyer_name !~ '[[:alnum:]]' OR ("
    "coalesce(buyer_is_business, buyer_tax_office ~ '[^[:space:]]') AND (buyer_tax_id !~ '[1-9[:alpha:]]' "
    "OR buyer_tax_id = '11111111111' OR buyer_address !~ '[[:alnum:]]')))"
)
UNDELIVERED = "status <> 'DELIVERED'"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # An interrupted run leaves invalid indexes of these names.
        drop("ix_e_invoices_words", "e_invoices")
        op.create_index(
            "ix_e_invoices_words",
            "e_invoices",
            [sa.text(WORDS)],
            postgresql_using="gin",
            postgresql_concurrently=True,
        )
        drop("ix_e_invoices_incomplete", "e_invoices")
        op.create_index(
            "ix_e_invoices_incomplete",
            "e_invoices",
            ["owner_id", "id"],
            postgresql_where=sa.text(INCOMPLETE),
            postgresql_concurrently=True,
        )
        for column in ("customer_id", "salesman_id"):
            drop(f"ix_sales_invoices_{column}_undelivered", "sales_invoices")
            op.create_index(
                f"ix_sales_invoices_{column}_undelivered",
                "sales_invoices",
                [column],
                postgresql_include=["total_amount"],
                postgresql_where=sa.text(UNDELIVERED),
                postgresql_concurrently=True,
            )
        op.execute("ANALYZE e_invoices")
        drop("ix_e_invoices_search", "e_invoices")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        drop("ix_e_invoices_search", "e_invoices")
        op.create_index(
            "ix_e_invoices_search",
            "e_invoices",
            ["search"],
            postgresql_using="gin",
            postgresql_concurrently=True,
        )
        drop("ix_e_invoices_words", "e_invoices")
        drop("ix_e_invoices_incomplete", "e_invoices")
        for column in ("customer_id", "salesman_id"):
            drop(f"ix_sales_invoices_{column}_undelivered", "sales_invoices")


def drop(name: str, table: str) -> None:
    op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
