"""What e-invoices are found by: whole identifiers as they begin, else the beginnings of any words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Select, any_, cast, false, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR

from app.einvoices.models.einvoices import IDENTIFIERS, Einvoice
from app.extensions import db

#: Hits that are looked up first, so that the planner knows how few there are.
MAX_RESOLVED = 200
#: As in the column ``search``: whoever types YILMAZ finds Yılmaz.
_UNDOTTED = str.maketrans("ıİ", "ii")
#: Several words written as one, with a digit or an @, as numbers, orders and addresses are. Names are not, and one
#: word is found by the index of words.
_IDENTIFIER = re.compile(r"(?=\S*[\d@])\w+[^\w\s]\S*\w", re.ASCII)


def resolve_identifiers(query: Mapping[str, Any], scoped: Select[Any]) -> Mapping[str, Any]:
    """``query`` with the ids of what its ``search`` names, where it is the beginning of few whole identifiers.

    The words of numbers are poor keys: all of a seller's begin with the same one, and an index of words would gather
    everything before it finds the one that a scanner sent.
    """
    typed = _search_text(query).lower()
    if not _IDENTIFIER.fullmatch(typed):
        return query
    quoted = typed.replace("\\", "\\\\").replace("'", "''")
    begins = literal_column(IDENTIFIERS, TSVECTOR).bool_op("@@")(cast(f"'{quoted}':*", TSQUERY))
    # Planned as if all were wanted, which is by the index; and of many hits only a few rows are read.
    hits = scoped.with_only_columns(Einvoice.id).where(begins).cte().prefix_with("MATERIALIZED")
    ids = db.session.scalars(select(hits.c.id).limit(MAX_RESOLVED + 1)).all()
    return {**query, "named": ids} if 0 < len(ids) <= MAX_RESOLVED else query


def apply_search(selected: Select[Any], query: Mapping[str, Any]) -> Select[Any]:
    """Those that the resolved ``query`` names, or in which each of its words begins a word."""
    if "named" in query:
        return selected.where(Einvoice.id == any_(cast(list(query["named"]), ARRAY(BigInteger))))
    typed = _search_text(query)
    words = re.findall(r"\w+", typed)
    if not words:
        return selected.where(false()) if typed else selected
    prefixes = " & ".join(f"'{word}':*" for word in words)
    return selected.where(Einvoice.search.bool_op("@@")(func.to_tsquery("simple", prefixes)))


def _search_text(query: Mapping[str, Any]) -> str:
    """What was asked, with letters and their accents in one, which some keyboards send apart."""
    return unicodedata.normalize("NFC", query.get("search", "").strip()).translate(_UNDOTTED)
