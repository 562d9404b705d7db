"""SQL expressions of indexes of e-invoices."""

from __future__ import annotations

from functools import reduce

from app.kernel.text.plain_letters import folded_sql

#: The columns by which an e-invoice is searched.
SEARCHED = ["invoice_no", "marketplace_order_no", "buyer_name", "buyer_email", "buyer_tax_id", "provider_invoice_id"]


def _joined() -> str:
    """The texts with blanks between, in the parentheses with which PostgreSQL shows it: migrations are compared."""
    first, *others = (f"coalesce({column}, '')" for column in SEARCHED)
    return reduce(lambda before, text: f"(({before} || ' ') || {text})", others, first)[1:-1]


#: The words of an e-invoice by which it is searched, without case and accents.
WORDS = f"to_tsvector('simple', regexp_replace({folded_sql(_joined())}, '[^[:alnum:]]+', ' ', 'g'))"
#: SQL: the provider said something of an e-invoice that is cancelled, or that a correction took the place of.
ENDED_AFTER_ANSWER = (
    "number IS NOT NULL AND provider_status_at IS NOT NULL AND (status = 'cancelled' OR corrected_by_id IS NOT NULL)"
)
#: SQL: a draft of a sale lacks something of its buyer; as ``lifecycle/readiness.py`` asks for it.
INCOMPLETE = (
    "status = 'draft' AND type = 'sale' AND (buyer_name !~ '[[:alnum:]]' OR ("
    "coalesce(buyer_is_business, buyer_tax_office ~ '[^[:space:]]') AND (buyer_tax_id !~ '[1-9[:alpha:]]' "
    "OR buyer_tax_id = '11111111111' OR buyer_address !~ '[[:alnum:]]')))"
)
