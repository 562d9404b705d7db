"""The choice of columns that each user made, remembered for the next file with the same headings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, String, delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db
from app.kernel import clock
from app.tables.user_files.column_map import MAX_HEADING, ColumnMap, heading_key

#: Headings that are remembered of one kind of file; the oldest choices are forgotten.
MAX_REMEMBERED = 500


class RememberedColumn(db.Model):
    """The column that a user chose for a heading in files of one kind; an empty column is left out."""

    __tablename__ = "remembered_columns"

    user_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    #: ``sales``, ``rolls`` or ``receipts``.
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    #: ``column_map.heading_key`` of the heading.
    heading: Mapped[str] = mapped_column(String(MAX_HEADING), primary_key=True)
    column: Mapped[str] = mapped_column(String(50), nullable=False)
    chosen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


def find_columns(user_id: int, kind: str) -> ColumnMap:
    """What the user chose for files of this kind."""
    query = select(RememberedColumn.heading, RememberedColumn.column).where(
        RememberedColumn.user_id == user_id, RememberedColumn.kind == kind
    )
    return ColumnMap({row.heading: row.column for row in db.session.execute(query)})


def remember(user_id: int, kind: str, columns: Mapping[str, str]) -> None:
    """Store the columns of headings."""
    chosen = {heading_key(title): column for title, column in columns.items() if heading_key(title)}
    if not chosen:
        return
    moment = clock.now()
    rows = [
        {"user_id": user_id, "kind": kind, "heading": heading, "column": column, "chosen_at": moment}
        for heading, column in sorted(chosen.items())
    ]
    statement = insert(RememberedColumn).values(rows)
    changes = {name: statement.excluded[name] for name in ("column", "chosen_at")}
    db.session.execute(statement.on_conflict_do_update(index_elements=["user_id", "kind", "heading"], set_=changes))
    _forget_oldest(user_id, kind)


def _forget_oldest(user_id: int, kind: str) -> None:
    mine = (RememberedColumn.user_id == user_id, RememberedColumn.kind == kind)
    count = db.session.scalar(select(func.count()).select_from(RememberedColumn).where(*mine)) or 0
    if count > MAX_REMEMBERED:
        oldest = select(RememberedColumn.heading).where(*mine).order_by(RememberedColumn.chosen_at)
        forgotten = oldest.limit(count - MAX_REMEMBERED)
        db.session.execute(delete(RememberedColumn).where(*mine, RememberedColumn.heading.in_(forgotten)))
