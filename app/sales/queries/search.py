"""Search by words: division of texts into words, and conditions that find invoices by the indexes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
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
#: The newest invoices and customers that tell which words are usual.
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


@dataclass(frozen=True, slots=True)
class Search:
    """What somebody searches for, with the facts of its words that choose the indexes.

    Attributes:
        number: the whole text as an invoice number; without ``customers`` the search is for this number alone.
        customers: word -> ids of the customers with it, or None if there are more than ``FEW_CUSTOMERS``.
        indexed: the words that the index of words may find.
    """

    number: str
    customers: Mapping[str, Sequence[int] | None]
    indexed: frozenset[str]

    @property
    def words_of_many(self) -> list[str]:
        return [word for word, ids in self.customers.items() if ids is None]

    @property
    def is_of_many_customers(self) -> bool:
        """Whether no index of words finds the invoices, because each word that it may find has many customers.

        A rare search may then have many hits, and an index in the order of the list is faster than to sort them.
        """
        return bool(self.indexed) and self.indexed.issubset(self.words_of_many)


def read_search(typed: str) -> Search | None:
    """Read the facts of a search; None if nothing was typed.

    A whole number, as a scanner sends it, finds that one invoice and not longer numbers that begin with it.
    """
    number, parts = clean_identifier(typed), _search_words(typed)
    if not number:
        return None
    if not parts or db.session.scalar(select(SalesInvoice.id).where(SalesInvoice.invoice_no == number)):
        return Search(number, {}, frozenset())
    return Search(number, _read_customers(parts), _indexed(parts))


def searched(query: Select[Any], search: Search, *, rare: bool = False) -> Select[Any]:
    """Only invoices in which every word begins a word of the number, of an item or of the customer.

    Customers are few and are looked up first, so that the invoices are found by indexes alone.

    Args:
        rare: hardly any of the newest invoices match. Then an index finds the invoices of the customers of a word, also
            of many customers: row by row, almost all invoices would be read.
    """
    if not search.customers:
        return query.where(SalesInvoice.invoice_no == search.number)
    has = {word: _has(word, ids, indexed=word in search.indexed) for word, ids in search.customers.items()}
    if rare and search.words_of_many and not search.indexed.difference(search.words_of_many):
        fewest = min(search.words_of_many, key=_count_customers)
        has[fewest] = _has_by_indexes(fewest)
    return query.where(and_(*has.values()))


def customers_searched(query: Select[Any], typed: str) -> Select[Any]:
    """Only customers in which every word begins a word of the code or the name; none where there is no word."""
    if not clean_identifier(typed):
        return query
    found: list[ColumnElement[bool]] = [Customer.search.op("@@")(_begins(part)) for part in _search_words(typed)]
    return query.where(*(found or [false()]))


def _search_words(typed: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(folded(typed))))[:MAX_SEARCH_WORDS]


def _indexed(parts: list[str]) -> frozenset[str]:
    """The words that the index of words may find: all but the usual ones, if there are others.

    Most of the newest invoices have a usual word. An index scan of it reads an entry of almost every invoice, and the
    other words are hardly fewer with it.
    """
    if len(parts) == 1:
        return frozenset(parts)
    read, found = _count_newest(SalesInvoice, parts)
    usual = {part for part, count in found.items() if count * 2 > read}
    return frozenset(part for part in parts if part not in usual or len(usual) == len(parts))


def _count_newest(model: type[SalesInvoice | Customer], parts: list[str]) -> tuple[int, dict[str, int]]:
    """How many of the newest rows were read, and how many of them have each word."""
    newest = select(model.search).order_by(model.id.desc()).limit(SAMPLE).subquery()
    hits = [func.count().filter(newest.c.search.op("@@")(_begins(part))) for part in parts]
    read, *found = db.session.execute(select(func.count(), *hits).select_from(newest)).one()
    return read, dict(zip(parts, found, strict=True))


def _read_customers(parts: list[str]) -> dict[str, Sequence[int] | None]:
    """The customers of each word; see ``Search``.

    The index reads all customers of a word before it returns the first: 30 ms for 200,000 customers. So words that many
    of the newest customers have are not looked up.
    """
    _, newest = _count_newest(Customer, parts)
    return {part: None if newest[part] > FEW_CUSTOMERS else _few_customers(part) for part in parts}


def _few_customers(word: str) -> Sequence[int] | None:
    found: Sequence[int] = db.session.scalars(_customers(word).limit(FEW_CUSTOMERS + 1)).all()
    return None if len(found) > FEW_CUSTOMERS else found


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


def _has(word: str, customers: Sequence[int] | None, *, indexed: bool) -> ColumnElement[bool]:
    """Whether the word is in the invoice or its customer; ``indexed`` lets the planner use the index of words."""
    # No index has the function of the operator.
    in_invoice = SalesInvoice.search.op("@@")(_begins(word)) if indexed else _matches(word)
    if customers is None:
        # A word of so many customers selects little. To check the customer of each row that the other words leave is
        # faster than an index scan or a hash table of all these customers.
        of_row = select(Customer.search.op("@@")(_begins(word))).where(Customer.id == SalesInvoice.customer_id)
        return or_(in_invoice, of_row.correlate(SalesInvoice).scalar_subquery())
    if not customers:
        return in_invoice
    return or_(in_invoice, SalesInvoice.customer_id == any_(cast(list(customers), ARRAY(BigInteger))))


def _matches(word: str) -> ColumnElement[bool]:
    return func.ts_match_vq(SalesInvoice.search, _begins(word), type_=Boolean)


def _begins(word: str) -> ColumnElement[Any]:
    # ``word`` has only letters and digits, so it contains no operator.
    return cast(f"{word[:MAX_WORD_LENGTH]}:*", TSQUERY)
