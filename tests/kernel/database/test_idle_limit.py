"""The limit of idle transactions: the server ends the connection, and an active transaction goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import InternalError

from app.config import Settings
from app.kernel.database import pooler
from app.kernel.database.idle_limit import limit_idle_transactions


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_url)
    pooler.register(engine)
    limit_idle_transactions(engine, 1)
    yield engine
    engine.dispose()


def test_a_transaction_that_does_nothing_is_ended(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1s"
        time.sleep(1.5)
        with pytest.raises(InternalError):
            connection.scalar(text("SELECT 1"))
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1


def test_a_long_statement_and_an_idle_connection_stay(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_sleep(1.2)"))
        connection.commit()
        time.sleep(1.2)
        assert connection.scalar(text("SELECT 1")) == 1
