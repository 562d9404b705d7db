"""A server that takes no changes any more: the error is one of the connection, and the pool is emptied."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.extensions import db
from app.kernel.database import lost_connections
from app.kernel.http.app import Hub
from tests.factories import a_sale


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    engine = create_engine(settings.database_url)
    lost_connections.register(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def read_only(app: Hub) -> Iterator[None]:
    """Have new transactions take no changes, as on a standby."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        name = connection.scalar(text("SELECT current_database()"))
        connection.execute(text(f"ALTER DATABASE {name} SET default_transaction_read_only = on"))
        db.engine.dispose()
        yield
        connection.execute(text(f"ALTER DATABASE {name} RESET default_transaction_read_only"))
    db.engine.dispose()


def test_a_connection_to_a_standby_is_closed(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        with pytest.raises(OperationalError, match="read-only transaction"):
            connection.execute(text("CREATE TABLE never (id int)"))
        assert connection.invalidated


def test_a_standby_is_unavailable_and_no_fault(
    client_as: Callable[..., FlaskClient], erp: FlaskClient, request: pytest.FixtureRequest
) -> None:
    billing = client_as("billing")
    erp.post("/api/sales/import/invoice/", json=a_sale(invoice_no="S-1"))
    request.getfixturevalue("read_only")
    refused = {
        "by the driver": erp.post("/api/sales/import/invoice/", json=a_sale(invoice_no="S-2")),
        "by SQLAlchemy": billing.post("/api/sales/picking/start/", json={"invoice_no": "S-1"}),
    }
    for how, answer in refused.items():
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "1"), how
