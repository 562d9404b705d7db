"""Real PostgreSQL and Valkey for every test run, one application, and clients that hold real credentials."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import replace
from typing import Any

import flask_migrate
import pytest
import structlog
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import TextClause, text
from werkzeug.test import TestResponse

from app.accounts import audit
from app.accounts.login import sessions
from app.accounts.roles import API_KEY, ROLES
from app.admin.i18n import catalogs
from app.config import Settings
from app.events.relay import relay
from app.extensions import bus, db, limiter
from app.factory import create_app
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import HubTask
from app.local.servers.temporary import temporary_servers
from app.stream.broadcaster import broadcaster
from tests.factories import a_user

#: Of webhooks, which the pages are tested with too; and the browser.
pytest_plugins = ("tests.webhooks.fixtures", "tests.browsing")

IMPORT_KEY = "a-key-for-the-tests-of-imports"


class Client(FlaskClient):
    """Sends each request as a server does: with nothing of the test's own context around it.

    Flask would otherwise reuse the application context that the tests hold open, and with it ``g`` (the caller
    of an earlier request) and the database session.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return Context().run(super().open, *args, **kwargs)


def pytest_configure(config: pytest.Config) -> None:
    """Compile the translations once: they are not in git."""
    if not hasattr(config, "workerinput"):
        catalogs.compile_all()


@pytest.fixture(autouse=True)
def _only_loopback(socket_enabled: None) -> None:
    """Sockets are open to this machine alone (``--allow-hosts`` in ``pyproject.toml``)."""


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[str, str]]:
    """Addresses of an empty PostgreSQL and an empty Valkey, both of this test run alone."""
    # Nothing here survives a power cut, so nothing needs to wait for the disk; and no plan may rest on the moment at
    # which tables that are emptied after every test were last looked at.
    fast = {
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "autovacuum": "off",
        "max_connections": "200",
    }
    with temporary_servers(fast) as (postgres, valkey):
        yield postgres.url, valkey.url


@pytest.fixture(scope="session")
def settings(servers: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Settings:
    database_url, redis_url = servers
    return Settings(
        environment="test",
        secret_key="a secret of the tests, long enough for production",
        database_url=database_url.replace("postgresql://", "postgresql+psycopg://"),
        redis_url=redis_url,
        storage_dir=tmp_path_factory.mktemp("storage"),
        sales_import_api_keys=(IMPORT_KEY,),
        database_pool_size=30,
        log_level="WARNING",
        login_limit="1000 per minute",
        limit_timeout_seconds=2,  # a busy machine is no outage
        stream_keep_alive_seconds=0.2,
        stream_lifetime_seconds=20,
    )


@pytest.fixture(scope="session")
def _migrated(settings: Settings) -> Iterator[Hub]:
    app = create_app(settings)
    app.test_client_class = Client
    with app.app_context():
        flask_migrate.upgrade()
        # As in a web process: what is loaded by now stays, and need not be looked through again and again.
        gc.collect()
        gc.freeze()
        yield app
        broadcaster.close()  # its reader would go on asking servers that are gone
        db.engine.dispose()


@pytest.fixture(scope="session")
def patient(settings: Settings) -> Iterator[Redis]:
    """Valkey by a client that waits; the hub's own gives up sooner."""
    with Redis.from_url(settings.redis_url, socket_timeout=30) as client:
        yield client


@pytest.fixture
def app(_migrated: Hub, patient: Redis) -> Iterator[Hub]:
    """The application over an empty database."""
    yield _migrated
    structlog.contextvars.clear_contextvars()
    db.session.remove()
    audit.recorder.flush()
    _empty()
    patient.flushall()
    limiter.reset()


@functools.cache
def _emptying() -> TextClause:
    tables = [table.name for table in db.metadata.sorted_tables if table.name != "event_head"]
    statements = [
        "SET LOCAL session_replication_role = replica",  # no foreign keys: any order will do
        *(f'DELETE FROM "{name}"' for name in tables),
        "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'",
        "UPDATE event_head SET position = 0, purged = 0",
    ]
    return text("; ".join(statements))


def _empty() -> None:
    """Delete all rows and count from 1 again; a TRUNCATE of so many tables takes a hundred times as long."""
    with db.engine.begin() as connection:
        connection.execute(_emptying())


@contextmanager
def lent_process() -> Iterator[None]:
    """What a process has once may go to another application; afterwards it belongs to the first one again."""
    with pytest.MonkeyPatch.context() as kept:
        kept.setattr(limiter, "__dict__", dict(limiter.__dict__))
        for owner, name in ((audit.recorder, "_app"), (broadcaster, "_app"), (HubTask, "flask_app"), (bus, "client")):
            kept.setattr(owner, name, getattr(owner, name))
        yield


@pytest.fixture
def app_with(app: Hub, settings: Settings) -> Iterator[Callable[..., Hub]]:
    """Make a further application with other settings."""
    made: list[Hub] = []

    def make(**changes: Any) -> Hub:
        other = create_app(replace(settings, **changes))
        other.test_client_class = Client
        made.append(other)
        return other

    with lent_process():
        yield make
        audit.recorder.flush()  # its thread would otherwise be using a connection that is thrown away
    for other in made:
        with other.app_context():
            db.engine.dispose()


@pytest.fixture
def anybody(app: Hub) -> FlaskClient:
    """A client without credentials."""
    return app.test_client()


@pytest.fixture
def erp(app: Hub) -> FlaskClient:
    """A client with the import key of the environment."""
    client = app.test_client()
    client.environ_base["HTTP_X_API_KEY"] = IMPORT_KEY
    return client


@pytest.fixture
def client_as(app: Hub) -> Callable[..., FlaskClient]:
    """Make a client that is signed in as a user of a role."""

    def make(role: str, **facts: Any) -> FlaskClient:
        with unit_of_work():
            user = a_user(role=role, **facts)
            tokens = sessions.open_session(user)
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {tokens['access']}"
        return client

    return make


@pytest.fixture
def client_with(client_as: Callable[..., FlaskClient], erp: FlaskClient) -> Callable[[str], FlaskClient]:
    """Make a client whose credential has an ability and as few others as there are."""

    def make(ability: str) -> FlaskClient:
        if ability in API_KEY:
            return erp
        able = [role for role, abilities in ROLES.items() if ability in abilities]
        return client_as(min(able, key=lambda role: len(ROLES[role])))

    return make


@pytest.fixture
def relayed(app: Hub) -> Callable[[], int]:
    """Place all committed events, as the relay's task does in a running hub."""
    return relay
