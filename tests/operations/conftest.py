"""An application whose database does not answer."""

from __future__ import annotations

import pytest
from sqlalchemy import create_engine

from app.extensions import db
from app.kernel.http.app import Hub

NOWHERE = "postgresql+psycopg://hub@127.0.0.1:1/hub"


@pytest.fixture
def without_database(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The application with a database address that refuses every connection."""
    monkeypatch.setitem(db._app_engines[app], None, create_engine(NOWHERE))
