"""Rows of the sales floor: sessions of workers, invoices in a session, and the history of steps."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.extensions import db
from app.kernel import clock
from app.kernel.database.check_constraints import one_of
from app.sales.state_machine import Outcome, Section


def _moment() -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), nullable=False, default=clock.now)


class WorkSession(db.Model):
    """The session of a worker in a section, with one invoice or, after a bulk start, several."""

    __tablename__ = "sales_sessions"
    __table_args__ = (
        one_of("section", Section),
        Index(
            "ix_sales_sessions_active", "worker_id", "section", unique=True, postgresql_where=text("ended_at IS NULL")
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    section: Mapped[str] = mapped_column(String(20), nullable=False)
    worker_id: Mapped[int] = mapped_column(ForeignKey("users.id"), nullable=False)
    #: The name of the user at that time.
    worker: Mapped[str] = mapped_column(String(200), nullable=False)
    started_at: Mapped[datetime] = _moment()
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Assignment(db.Model):
    """An invoice in a session; an invoice has at most one open assignment."""

    __tablename__ = "sales_assignments"
    __table_args__ = (
        one_of("outcome", Outcome),
        CheckConstraint("(ended_at IS NULL) = (outcome IS NULL)", name="ended"),
        Index("ix_sales_assignments_open", "invoice_id", unique=True, postgresql_where=text("ended_at IS NULL")),
        Index("ix_sales_assignments_session_id", "session_id"),
        Index("ix_sales_assignments_invoice_id_id", "invoice_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("sales_sessions.id"), nullable=False)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("sales_invoices.id", ondelete="CASCADE"), nullable=False)
    started_at: Mapped[datetime] = _moment()
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(String(20))

    session: Mapped[WorkSession] = relationship(lazy="raise_on_sql")

    @property
    def section(self) -> str:
        return self.session.section

    @property
    def worker(self) -> dict[str, Any]:
        return {"id": self.session.worker_id, "name": self.session.worker}


class HistoryEntry(db.Model):
    """A step: who, when, from which state to which, and details."""

    __tablename__ = "sales_history"
    __table_args__ = (Index("ix_sales_history_invoice_id_id", "invoice_id", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    invoice_id: Mapped[int] = mapped_column(ForeignKey("sales_invoices.id", ondelete="CASCADE"), nullable=False)
    step: Mapped[str] = mapped_column(String(30), nullable=False)
    from_status: Mapped[str] = mapped_column(String(20), nullable=False)
    to_status: Mapped[str] = mapped_column(String(20), nullable=False)
    #: The caller and the worker; they differ when a supervisor acts for a worker.
    actor: Mapped[str] = mapped_column(String(200), nullable=False)
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    worker: Mapped[str | None] = mapped_column(String(200))
    worker_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    note: Mapped[str] = mapped_column(Text, nullable=False, server_default="")
    #: The facts of the step (labels, courier …) and, for a correction, each old and new value.
    details: Mapped[dict[str, Any]] = mapped_column(JSON, nullable=False)
    at: Mapped[datetime] = _moment()
