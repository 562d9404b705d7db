"""Search by words: division of texts into words, and conditions that find invoices by the indexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Boolean, ColumnElement, Select, and_, any_, cast, false, func, or_, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR
from sqlalchemy.orm import aliased
from sqlalchemy.types import Text

from app.extensions import db
from app.kernel.identifiers import clean_identifier
from app.kernel.text.plain_letters import folded
from app.sales.models.invoices import SalesInvoice
from app.sales.models.masters import Customer

#: Letters and digits are separate words: ``LTPI-77282`` and ``650mg`` are found by each part.
_WORD = re.compile(r"[^\W\d_]+|\d+")
MAX_WORD_LENGTH, MAX_WORDS = 40, 5000
#: Words of one search that are used; more words hardly reduce the result.
MAX_SEARCH_WORDS = 8
#: Up to this number of customers the index on customers finds their invoices.
FEW_CUSTOMERS = 200
#: The newest invoices that ``_usual`` reads.
SAMPLE = 500
_ITEM_TEXTS = ("name", "item_code", "barcode", "batch_no")


def words(*texts: str) -> list[str]:
    """The distinct words of ``texts``, folded, in their order; digits also without leading zeros."""
    found: dict[str, None] = {}
    for word in _WORD.findall(folded(" ".join(texts))):
        found[word[:MAX_WORD_LENGTH]] = None
        if word[0] == "0" and (short := word.lstrip("0")):
            found[short[:MAX_WORD_LENGTH]] = None
        if len(found) >= MAX_WORDS:
            break
    return list(found)


def invoice_words(invoice_no: str, temp_name: str, items: Iterable[Mapping[str, Any]]) -> list[str]:
    """The words of an invoice without its customer: number, short name, names and codes of the items."""
    return words(invoice_no, temp_name, *(item[name] for item in items for name in _ITEM_TEXTS))


def customer_words(code: str, name: str) -> list[str]:
    """The words of a customer."""
    return words(code, name)


def vector(found: list[str]) -> ColumnElement[Any]:
    """The words as a tsvector."""
    return func.array_to_tsvector(cast(found, ARRAY(Text)), type_=TSVECTOR)


def searched(query: Select[Any], typed: str, *, rare: bool = False) -> Select[Any]:
    """Only invoices in which every word begins a word of the number, of an item or of the customer.

    A whole number, as a scanner sends it, finds that one invoice and not longer numbers that begin with it.
    Customers are few and are looked up first, so that the invoices are found by indexes alone.

    Args:
        rare: hardly any of the newest invoices match. Then an index finds the invoices of the customers of a word, also
            of many customers: row by row, almost all invoices would be read.
    """
    if not clean_identifier(typed):
        return query
    number, parts = clean_identifier(typed), _search_words(typed)
    if not parts or db.session.scalar(select(SalesInvoice.id).where(SalesInvoice.invoice_no == number)):
        return query.where(SalesInvoice.invoice_no == number)
    indexed, customers = _indexed(parts), {part: _first_customers(part) for part in parts}
    has = {part: _has(part, customers[part], indexed=part in indexed) for part in parts}
    of_many = [part for part in parts if len(customers[part]) > FEW_CUSTOMERS]
    if rare and of_many and not indexed.difference(of_many):
        fewest = min(of_many, key=_count_customers)
        has[fewest] = _has_by_indexes(fewest)
    return query.where(and_(*has.values()))


def is_of_many_customers(typed: str) -> bool:
    """Whether no index of words finds the invoices of a search, because each of its words has many customers.

    A rare search may then have many hits, and an index in the order of the list is faster than to sort them.
    """
    parts = _search_words(typed)
    indexed = _indexed(parts)
    return bool(indexed) and all(len(_first_customers(part)) > FEW_CUSTOMERS for part in indexed)


def customers_searched(query: Select[Any], typed: str) -> Select[Any]:
    """Only customers in which every word begins a word of the code or the name; none where there is no word."""
    if not clean_identifier(typed):
        return query
    found: list[ColumnElement[bool]] = [Customer.search.op("@@")(_begins(part)) for part in _search_words(typed)]
    return query.where(*(found or [false()]))


def _search_words(typed: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(folded(typed))))[:MAX_SEARCH_WORDS]


def _indexed(parts: list[str]) -> set[str]:
    """The words that the index of words may find: all but the usual ones, if there are others."""
    usual = _usual(parts) if len(parts) > 1 else set()
    return {part for part in parts if part not in usual or len(usual) == len(parts)}


def _usual(parts: list[str]) -> set[str]:
    """The words that most of the newest invoices have.

    An index scan of such a word reads an entry of almost every invoice, and the other words are hardly fewer with it.
    """
    newest = select(SalesInvoice.search).order_by(SalesInvoice.id.desc()).limit(SAMPLE).subquery()
    hits = [func.count().filter(newest.c.search.op("@@")(_begins(part))) for part in parts]
    read, *found = db.session.execute(select(func.count(), *hits).select_from(newest)).one()
    return {part for part, count in zip(parts, found, strict=True) if count * 2 > read}


def _first_customers(word: str) -> Sequence[int]:
    """The ids of the customers with the word, at most one more than ``FEW_CUSTOMERS``."""
    found: Sequence[int] = db.session.scalars(_customers(word).limit(FEW_CUSTOMERS + 1)).all()
    return found


def _count_customers(word: str) -> int:
    return db.session.scalar(select(func.count()).select_from(_customers(word).subquery())) or 0


def _customers(word: str) -> Select[Any]:
    return select(Customer.id).where(Customer.search.op("@@")(_begins(word)))


def _has_by_indexes(word: str) -> ColumnElement[bool]:
    """The same as ``_has``, for a word of many customers with hardly any new invoice: each part by its own index."""
    other = aliased(SalesInvoice)
    in_invoice = select(other.id).where(other.search.op("@@")(_begins(word)))
    of_customer = select(other.id).where(other.customer_id.in_(_customers(word)))
    return SalesInvoice.id.in_(union_all(in_invoice, of_customer))


def _has(word: str, customers: Sequence[int], *, indexed: bool) -> ColumnElement[bool]:
    """Whether the word is in the invoice or its customer; ``indexed`` lets the planner use the index of words."""
    # No index has the function of the operator.
    in_invoice = SalesInvoice.search.op("@@")(_begins(word)) if indexed else _matches(word)
    if not customers:
        return in_invoice
    if len(customers) > FEW_CUSTOMERS:
        # A word of so many customers selects little. To check the customer of each row that the other words leave is
        # faster than an index scan or a hash table of all these customers.
        of_row = select(Customer.search.op("@@")(_begins(word))).where(Customer.id == SalesInvoice.customer_id)
        return or_(in_invoice, of_row.correlate(SalesInvoice).scalar_subquery())
    return or_(in_invoice, SalesInvoice.customer_id == any_(cast(list(customers), ARRAY(BigInteger))))


def _matches(word: str) -> ColumnElement[bool]:
    return func.ts_match_vq(SalesInvoice.search, _begins(word), type_=Boolean)


def _begins(word: str) -> ColumnElement[Any]:
    # ``word`` has only letters and digits, so it contains no operator.
    return cast(f"{word[:MAX_WORD_LENGTH]}:*", TSQUERY)
