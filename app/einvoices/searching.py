"""What e-invoices are found by: whole identifiers as they begin, else the beginnings of any words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Select, any_, cast, func, literal_column, select
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, TSVECTOR

from app.einvoices.models import IDENTIFIERS, Einvoice
from app.extensions import db

#: Hits that are looked up first, so that the planner knows how few there are.
FEW = 200
#: As in the column ``search``: whoever types YILMAZ finds Yılmaz.
_UNDOTTED = str.maketrans("ıİ", "ii")
#: Several words written as one, as numbers, orders and addresses are; one word is found by the index of words.
_IDENTIFIER = re.compile(r"\w+[^\w\s]\S*\w", re.ASCII)


def resolved(query: Mapping[str, Any], scoped: Select[Any]) -> Mapping[str, Any]:
    """``query`` with the ids of what its ``search`` names, where it is the beginning of few whole identifiers.

    The words of numbers are poor keys: all of a seller's begin with the same one, and an index of words would gather
    everything before it finds the one that a scanner sent.
    """
    typed = query.get("search", "").strip().translate(_UNDOTTED).lower()
    if not _IDENTIFIER.fullmatch(typed):
        return query
    quoted = typed.replace("\\", "\\\\").replace("'", "''")
    begins = literal_column(IDENTIFIERS, TSVECTOR).bool_op("@@")(cast(f"'{quoted}':*", TSQUERY))
    # Planned as if all were wanted, which is by the index, and read no further than needed.
    hits = scoped.with_only_columns(Einvoice.id).where(begins).cte().prefix_with("MATERIALIZED")
    ids = db.session.scalars(select(hits.c.id).limit(FEW + 1)).all()
    return {**query, "named": ids} if 0 < len(ids) <= FEW else query


def searched(selected: Select[Any], query: Mapping[str, Any]) -> Select[Any]:
    """Those that the resolved ``query`` names, or in which each of its words begins a word."""
    if "named" in query:
        return selected.where(Einvoice.id == any_(cast(list(query["named"]), ARRAY(BigInteger))))
    words = re.findall(r"\w+", query.get("search", "").translate(_UNDOTTED))
    if not words:
        return selected
    prefixes = " & ".join(f"'{word}':*" for word in words)
    return selected.where(Einvoice.search.bool_op("@@")(func.to_tsquery("simple", prefixes)))
