"""Words to search by lose their accents: those of invoices and customers that are stored are cut anew."""

from __future__ import annotations

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None

BATCH = 1000
WORD = re.compile(r"[^\W\d_]+|\d+")
PLAIN = str.maketrans({"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})
# Texts of plain ASCII stay as they are: their words were folded by lower case alone.
INVOICES = """
    SELECT id, said FROM (
        SELECT i.id, concat_ws(' ', i.invoice_no, i.temp_name, (
            SELECT string_agg(concat_ws(' ', name, item_code, barcode, batch_no), ' ' ORDER BY line_no)
            FROM sales_items WHERE invoice_id = i.id
        )) AS said
        FROM sales_invoices i WHERE i.id > :after ORDER BY i.id LIMIT :batch
    ) AS texts
"""
CUSTOMERS = "SELECT id, concat_ws(' ', code, name) AS said FROM customers WHERE id > :after ORDER BY id LIMIT :batch"


def folded(text: str) -> str:
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(PLAIN)


def lowered(text: str) -> str:
    return text.lower()


def words(text: str) -> list[str]:
    found = {}
    for word in WORD.findall(text):
        found[word[:40]] = None
        if word[0] == "0" and (short := word.lstrip("0")):
            found[short[:40]] = None
    return list(found)


def cut_anew(fold) -> None:
    connection = op.get_bind()
    for table, query in (("customers", CUSTOMERS), ("sales_invoices", INVOICES)):
        write = sa.text(f"UPDATE {table} SET search = array_to_tsvector(CAST(:words AS text[])) WHERE id = :id")
        after = 0
        while rows := connection.execute(sa.text(query), {"after": after, "batch": BATCH}).all():
            after = rows[-1].id
            changed = [{"id": row.id, "words": words(fold(row.said))} for row in rows if not row.said.isascii()]
            if changed:
                connection.execute(write, changed)


def upgrade() -> None:
    cut_anew(folded)


def downgrade() -> None:
    cut_anew(lowered)
