"""Master data by what people call it: a name or a code, in any case."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import String, cast, func, or_, select
from sqlalchemy.dialects.postgresql import ARRAY

from app.extensions import db
from app.grn.masters import Kind


def find_ids(kind: Kind, text: str) -> list[int]:
    """Ids of rows with this name or code, in any case; two at most, enough to see that a name is ambiguous."""
    model, lowered = kind.model, func.lower(text)
    query = select(model.id).where(or_(func.lower(model.name) == lowered, func.lower(model.code) == lowered))
    return list(db.session.scalars(query.order_by(model.id).limit(2)))


def find_ids_of_names(kind: Kind, texts: Collection[str]) -> dict[str, list[int]]:
    """Ids of the rows with each name or code, in any case; the keys are the texts in small letters (``casefold``)."""
    model = kind.model
    named = func.unnest(cast(list(texts), ARRAY(String))).table_valued("value").render_derived()
    parts = [
        select(named.c.value, model.id).join(model, func.lower(column) == func.lower(named.c.value))
        for column in (model.name, model.code)
    ]
    found: dict[str, list[int]] = {}
    for row in db.session.execute(parts[0].union(parts[1]).order_by("id")) if texts else ():
        found.setdefault(row.value.casefold(), []).append(row.id)
    return found
