"""Revision of the database's schema: the present one, and the one that this hub needs."""

from __future__ import annotations

import time

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.kernel.database import schema_migrations

_POLL_SECONDS = 1.0


def needed() -> str | None:
    """The newest revision of this hub."""
    head: str | None = schema_migrations.scripts().get_current_head()
    return head


def current() -> str | None:
    """The revision of the database; None if it has none, or cannot be reached."""
    try:
        revision: str | None = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except SQLAlchemyError:
        db.session.rollback()
        return None
    return revision


def wait(seconds: float) -> bool:
    """Wait until the database has a schema that this hub can use; returns whether it has.

    A revision that this hub does not know is a newer one: an older hub runs on it.
    """
    script = schema_migrations.scripts()
    older = {revision.revision for revision in script.walk_revisions()} - {script.get_current_head()}
    until = time.monotonic() + seconds
    while (revision := current()) is None or revision in older:
        db.session.rollback()  # a transaction must not stay open meanwhile
        if time.monotonic() >= until:
            return False
        time.sleep(_POLL_SECONDS)
    return True
