"""Tables of operations: queue canaries and failed tasks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, Identity, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.extensions import db


class QueueCanary(db.Model):
    """The last moment at which a worker consumed the canary of a queue."""

    __tablename__ = "queue_canaries"

    queue: Mapped[str] = mapped_column(String(50), primary_key=True)
    worker: Mapped[str] = mapped_column(String(255), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)


class FailedTask(db.Model):
    """A task that ended with an error, with the name and arguments to run it again."""

    __tablename__ = "failed_tasks"
    __table_args__ = (Index("ix_failed_tasks_failed_at", "failed_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    task_id: Mapped[str] = mapped_column(String(64), nullable=False)
    task: Mapped[str] = mapped_column(String(100), nullable=False)
    arguments: Mapped[list[Any]] = mapped_column(JSON, nullable=False)
    worker: Mapped[str | None] = mapped_column(String(255))
    request_id: Mapped[str | None] = mapped_column(String(128))
    error: Mapped[str] = mapped_column(Text, nullable=False)
    failed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), nullable=False)
    retried_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
