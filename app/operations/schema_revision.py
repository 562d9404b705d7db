"""Revision of the database's schema: the present one, and the one that this hub needs."""

from __future__ import annotations

import time

from alembic.script import ScriptDirectory
from flask import current_app
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db

_POLL_SECONDS = 1.0


def needed() -> str | None:
    """The newest revision of this hub."""
    return ScriptDirectory(current_app.extensions["migrate"].directory).get_current_head()


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
    script = ScriptDirectory(current_app.extensions["migrate"].directory)
    older = {revision.revision for revision in script.walk_revisions()} - {script.get_current_head()}
    until = time.monotonic() + seconds
    while (revision := current()) is None or revision in older:
        db.session.rollback()  # a transaction must not stay open meanwhile
        if time.monotonic() >= until:
            return False
        time.sleep(_POLL_SECONDS)
    return True
