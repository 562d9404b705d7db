"""Words to search by: how texts are cut into words, and how typed words find invoices through the indexes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Select, and_, any_, cast, false, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR
from sqlalchemy.types import Text

from app.extensions import db
from app.sales.models.invoices import SalesInvoice
from app.sales.models.masters import Customer

#: Letters and digits are words of their own: ``LTPI-77282`` and ``650mg`` are found by each of their parts.
_WORD = re.compile(r"[^\W\d_]+|\d+")
#: Letters that are no plain letter with an accent, and that keyboards without them write so.
_PLAIN = str.maketrans({"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})
LONGEST_WORD, MOST_WORDS = 40, 5000
#: Words of one question; more would only narrow what is already narrow.
MOST_ASKED = 8
#: Customers whose invoices are found by the index of customers.
FEW_CUSTOMERS = 200
_ITEM_TEXTS = ("name", "item_code", "barcode", "batch_no")


def folded(text: str) -> str:
    """Lower case without accents: İSTANBUL, Istanbul and ıstanbul are one word, and so are José and JOSE."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).translate(_PLAIN)


def words(*texts: str) -> list[str]:
    """The distinct words of ``texts``, folded, in their order; digits also without leading zeros."""
    found: dict[str, None] = {}
    for word in _WORD.findall(folded(" ".join(texts))):
        found[word[:LONGEST_WORD]] = None
        if word[0] == "0" and (short := word.lstrip("0")):
            found[short[:LONGEST_WORD]] = None
        if len(found) >= MOST_WORDS:
            break
    return list(found)


def invoice_words(invoice_no: str, temp_name: str, items: Iterable[Mapping[str, Any]]) -> list[str]:
    """What an invoice is found by, besides its customer: the number and everything that names an item."""
    return words(invoice_no, temp_name, *(item[name] for item in items for name in _ITEM_TEXTS))


def customer_words(code: str, name: str) -> list[str]:
    """What a customer is found by."""
    return words(code, name)


def vector(found: list[str]) -> ColumnElement[Any]:
    """The words as the database indexes them."""
    return func.array_to_tsvector(cast(found, ARRAY(Text)), type_=TSVECTOR)


def searched(query: Select[Any], asked: str) -> Select[Any]:
    """Only invoices in which every word begins a word of the number, of an item or of the customer.

    A whole number, as a scanner sends it, finds that one invoice and not those that begin alike.
    Customers are few and are looked up first, so that the invoices are found by indexes alone.
    """
    number, parts = asked.strip(), _asked(asked)
    if not number:
        return query
    if not parts or db.session.scalar(select(SalesInvoice.id).where(SalesInvoice.invoice_no == number)):
        return query.where(SalesInvoice.invoice_no == number)
    return query.where(and_(*(_has(part) for part in parts)))


def customers_searched(query: Select[Any], asked: str) -> Select[Any]:
    """Only customers in which every word begins a word of the code or the name; none where there is no word."""
    if not asked.strip():
        return query
    found: list[ColumnElement[bool]] = [Customer.search.op("@@")(_begins(part)) for part in _asked(asked)]
    return query.where(*(found or [false()]))


def _asked(asked: str) -> list[str]:
    return list(dict.fromkeys(_WORD.findall(folded(asked))))[:MOST_ASKED]


def _has(word: str) -> ColumnElement[bool]:
    in_invoice = SalesInvoice.search.op("@@")(_begins(word))
    matching = select(Customer.id).where(Customer.search.op("@@")(_begins(word)))
    customers = db.session.scalars(matching.limit(FEW_CUSTOMERS + 1)).all()
    if not customers:
        return in_invoice
    if len(customers) > FEW_CUSTOMERS:
        # A word of so many customers narrows little: better a look at the customer of each row that the other words
        # leave than an index walk, or a hash table, of all of them.
        of_row = select(Customer.search.op("@@")(_begins(word))).where(Customer.id == SalesInvoice.customer_id)
        return or_(in_invoice, of_row.correlate(SalesInvoice).scalar_subquery())
    return or_(in_invoice, SalesInvoice.customer_id == any_(cast(list(customers), ARRAY(BigInteger))))


def _begins(word: str) -> ColumnElement[Any]:
    # Only letters and digits are left in ``word``: nothing in it is an operator.
    return cast(f"{word[:LONGEST_WORD]}:*", TSQUERY)
