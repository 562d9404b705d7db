"""Search of e-invoices: by the prefix of an identifier, otherwise by the prefixes of words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Select, any_, cast, false, func, literal_column, select, true
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR

from app.einvoices.models.einvoices import IDENTIFIERS, Einvoice
from app.einvoices.models.index_expressions import WORDS
from app.extensions import db
from app.kernel.text.plain_letters import folded

#: Maximum number of hits whose ids are read first; with the ids the planner knows how few rows match.
MAX_RESOLVED = 200
#: Key of a query whose words are common: rows are read in the order of the list, without the index of words.
BY_SCAN = "by_scan"
#: As in ``IDENTIFIERS``.
_UNDOTTED = str.maketrans("ıİ", "ii")
#: Several words joined by punctuation, with a digit or an @: invoice numbers, orders and e-mail addresses. Names do
#: not match, and a single word is found by the word index.
_IDENTIFIER = re.compile(r"(?=\S*[\d@])\w+[^\w\s]\S*\w", re.ASCII)


def resolve_identifiers(query: Mapping[str, Any], scoped: Select[Any]) -> Mapping[str, Any]:
    """``query`` with the ids of the e-invoices whose identifier begins with its ``search``, when these are few.

    The words of an identifier are poor search keys: all invoice numbers of a seller share the first word, so the word
    index would collect all of them before it finds the scanned one.
    """
    search_text = _search_text(query).lower()
    if not _IDENTIFIER.fullmatch(search_text):
        return query
    quoted = search_text.replace("\\", "\\\\").replace("'", "''")
    matches = literal_column(IDENTIFIERS, TSVECTOR).bool_op("@@")(cast(f"'{quoted}':*", TSQUERY))
    # MATERIALIZED: the planner plans for all hits, by the index; the LIMIT outside then reads only a few rows.
    hits = scoped.with_only_columns(Einvoice.id).where(matches).cte().prefix_with("MATERIALIZED")
    ids = db.session.scalars(select(hits.c.id).limit(MAX_RESOLVED + 1)).all()
    return {**query, "resolved_ids": ids} if 0 < len(ids) <= MAX_RESOLVED else query


def apply_search(selected: Select[Any], query: Mapping[str, Any]) -> Select[Any]:
    """Filter by the search: by the resolved ids, or by rows in which each word of the search begins a word."""
    if "resolved_ids" in query:
        return selected.where(Einvoice.id == any_(cast(list(query["resolved_ids"]), ARRAY(BigInteger))))
    search_text = _search_text(query)
    words = re.findall(r"\w+", folded(search_text))
    if not words:
        return selected.where(false()) if search_text else selected
    prefixes = " & ".join(f"'{word}':*" for word in words)
    matches = literal_column(WORDS, TSVECTOR).bool_op("@@")(func.to_tsquery("simple", prefixes))
    return selected.where(matches.is_(true()) if query.get(BY_SCAN) else matches)


def _search_text(query: Mapping[str, Any]) -> str:
    """The search text in normal form NFC: some keyboards send a letter and its accent as two characters."""
    return unicodedata.normalize("NFC", query.get("search", "").strip()).translate(_UNDOTTED)
