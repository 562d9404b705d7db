"""Fixtures of all tests: a real PostgreSQL and Valkey, one application, and clients with real credentials."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import Context
from dataclasses import replace
from typing import Any

import flask_migrate
import psycopg
import pytest
import structlog
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import QueuePool, event
from werkzeug.test import TestResponse

from app.accounts import audit
from app.accounts.login import passwords, sessions
from app.accounts.roles import API_KEY, ROLES
from app.admin.i18n import catalogs
from app.config import Settings
from app.einvoices.official import check_job, request_job
from app.events import retention
from app.events.relay import relay
from app.extensions import bus, celery, db, limiter
from app.factory import create_app
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.celery_app import HubTask
from app.local.servers.temporary import temporary_servers
from app.pdf import file_removals, print_queue
from app.stream.broadcaster import broadcaster
from tests.conformance import check_answer
from tests.factories import a_user

#: Fixtures of webhooks, which tests of the pages use too, of the browser, of the object store, of databases to migrate;
#: turns of drills.
pytest_plugins = (
    *("tests.webhooks.fixtures", "tests.browsing", "tests.object_stores", "tests.own_database"),
    "tests.drills.turns",
)

IMPORT_KEY = "a-key-for-the-tests-of-imports"

#: The data needs no durability, so nothing waits for the disk. No autovacuum: its statistics of tables that are
#: emptied after every test would make query plans depend on chance.
FAST_SERVER = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_connections": "200",
}
#: Whoever runs the tests many times gives them servers that run already: an empty database and an empty Valkey.
POSTGRES_VARIABLE, VALKEY_VARIABLE = "TEST_POSTGRES_URL", "TEST_VALKEY_URL"


#: Jobs whose runs end after seconds.
JOBS_WITH_BUDGETS = (print_queue, file_removals, check_job, request_job, retention)
#: They are set up once for many tests.
COSTLY_FIXTURES = ("_template", "_object_server", "month")


class Client(FlaskClient):
    """Sends each request in an empty context, as a server does.

    Otherwise Flask would reuse the application context of the test, with its ``g`` (the caller of an earlier request)
    and its database session. Each answer must be the one that the API reference documents.
    """

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        answer = Context().run(super().open, *args, **kwargs)
        try:
            check_answer(self.application, answer)
        except AssertionError:
            answer.close()
            raise
        return answer


def pytest_configure(config: pytest.Config) -> None:
    """Compile the translations once: they are not in git. Look for no garbage while the tests are collected.

    The modules of the tests are objects that stay; to go through them again and again takes each worker four seconds.
    """
    if not hasattr(config, "workerinput"):
        catalogs.compile_all()
    gc.disable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run all tests that share what takes seconds to set up on one worker; each worker would set it up again."""
    for item in items:
        group = _shared_set_up(item)
        if group and not item.get_closest_marker("xdist_group"):
            item.add_marker(pytest.mark.xdist_group(group))


def _shared_set_up(item: pytest.Item) -> str | None:
    """Name of the set-up that a test shares: a fixture of its module, or one of those that take seconds."""
    fixtures = getattr(item, "_fixtureinfo", None)
    defined = fixtures.name2fixturedefs if fixtures else {}
    if any(fixture.scope == "module" for each in defined.values() for fixture in each):
        return item.path.stem
    return next((name for name in COSTLY_FIXTURES if name in defined), None)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _only_loopback(socket_enabled: None) -> None:
    """Allow sockets to this machine only (``--allow-hosts`` in ``pyproject.toml``)."""


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """Hash passwords with the least work; ``test_passwords.py`` checks the parameters of the hub itself."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", cheap)
        patch.setattr(passwords, "_DUMMY_HASH", cheap.hash("nobody has this password"))
        yield


@pytest.fixture(scope="session")
def _unhurried_jobs() -> Iterator[None]:
    """Let each run of a job do all that is due: on a busy machine one document may take longer than the whole run."""
    with pytest.MonkeyPatch.context() as patch:
        for job in JOBS_WITH_BUDGETS:
            patch.setattr(job, "BUDGET", 120.0)
        yield


@pytest.fixture
def no_background_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the thread that records API calls from writing, and so from using a connection, while a test looks."""
    flush, thread_of_the_test = audit.recorder.flush, threading.current_thread()
    with audit.recorder._flush_lock:  # a write that has begun ends first
        monkeypatch.setattr(
            audit.recorder, "flush", lambda: flush() if threading.current_thread() is thread_of_the_test else None
        )


@pytest.fixture
def connections_in_use(app: Hub, no_background_writes: None) -> Callable[[], int]:
    """Count the database connections in use; without background writes, all of them are of what the test calls."""
    pool: QueuePool = db.engine.pool
    return pool.checkedout


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[str, str]]:
    """URLs of an empty PostgreSQL and an empty Valkey that only this test run uses."""
    if POSTGRES_VARIABLE in os.environ:
        yield os.environ[POSTGRES_VARIABLE], os.environ[VALKEY_VARIABLE]
        return
    with temporary_servers(FAST_SERVER) as (postgres, valkey):
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
        limit_timeout_seconds=2,  # a slow answer of a busy machine is not a failure
        stream_keep_alive_seconds=0.2,
        stream_lifetime_seconds=20,
    )


@pytest.fixture(scope="session")
def _migrated(settings: Settings, _unhurried_jobs: None) -> Iterator[Hub]:
    app = create_app(settings)
    app.test_client_class = Client
    with app.app_context():
        flask_migrate.upgrade()
        # As in a web process: exclude the loaded objects from garbage collection.
        gc.collect()
        gc.freeze()
        yield app
        broadcaster.close()  # its thread would continue to query stopped servers
        db.engine.dispose()


@pytest.fixture(scope="session")
def patient(settings: Settings) -> Iterator[Redis]:
    """A Valkey client with a long timeout; the hub's own client has a short one."""
    with Redis.from_url(settings.redis_url, socket_timeout=30) as client:
        yield client


@pytest.fixture
def app(_migrated: Hub, patient: Redis, _empty: Callable[[], object]) -> Iterator[Hub]:
    """The application over an empty database."""
    yield _migrated
    structlog.contextvars.clear_contextvars()
    db.session.remove()
    audit.recorder.flush()
    _empty()
    patient.flushall()
    limiter.reset()


@pytest.fixture(scope="session")
def _empty(_migrated: Hub, servers: tuple[str, str]) -> Iterator[Callable[[], object]]:
    """Delete all rows and reset all sequences, by a function whose plans the server keeps.

    TRUNCATE of so many tables takes a hundred times as long, and statements that are planned again take three times.
    """
    with psycopg.connect(servers[0], autocommit=True) as connection:
        tables = [table.name for table in db.metadata.sorted_tables if table.name != "event_head"]
        sequences = connection.execute("SELECT relname FROM pg_class WHERE relkind = 'S'").fetchall()
        statements = [
            *(f'DELETE FROM "{name}"' for name in tables),
            *(
                f"PERFORM setval('{name}', 1, false) FROM {name} WHERE is_called OR last_value > 1"
                for (name,) in sequences
            ),
            "UPDATE event_head SET position = 0, purged = 0",
        ]
        connection.execute("SET session_replication_role = replica")  # disables foreign keys: the order does not matter
        body = "; ".join(statements)
        connection.execute(f"CREATE FUNCTION pg_temp.empty() RETURNS void LANGUAGE plpgsql AS $$ BEGIN {body}; END $$")
        yield lambda: connection.execute("SELECT pg_temp.empty()")


def another_app(settings: Settings) -> Hub:
    """Make a further application; the background threads of the process stay bound to the first one.

    A thread could hold a connection of the further application when its pool is disposed: nothing would close it.
    """
    first = audit.recorder._app
    with audit.recorder._flush_lock, pytest.MonkeyPatch.context() as patch:  # no thread sees the further application
        patch.setattr(broadcaster, "init_app", lambda _app: None)
        other = create_app(settings)
        audit.recorder._app = first
    other.test_client_class = Client
    return other


def close_connections(other: Hub) -> None:
    """Close the connections of a further application, and let it open no more.

    A connection that is open when the application is forgotten makes some later test fail.

    Raises:
        AssertionError: a connection is in use.
    """
    with other.app_context():
        engines = list(db.engines.values())
    deadline = time.monotonic() + 5
    while any(engine.pool.checkedout() for engine in engines) and time.monotonic() < deadline:
        time.sleep(0.01)
    in_use = [engine.pool.checkedout() for engine in engines]
    for engine in engines:
        engine.dispose()
        event.listen(engine, "do_connect", _refuse_connection)
    assert not any(in_use), "connections of a further application are still in use"


def _refuse_connection(*_facts: Any) -> None:
    raise AssertionError("a further application opens a connection after the end of its test")


@contextmanager
def restored_singletons() -> Iterator[None]:
    """Restore the singletons of the process (limiter, Redis client, Celery) that another application rebinds."""
    broker = {name: celery.conf[name] for name in bus.servers.broker_settings(0)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limiter, "__dict__", dict(limiter.__dict__))
        for owner, name in ((HubTask, "flask_app"), (bus, "client"), (bus, "servers")):
            patch.setattr(owner, name, getattr(owner, name))
        yield
    celery.conf.update(broker)
    celery._after_fork()  # closes nothing, but forgets the connections to the other broker


@pytest.fixture
def app_with(app: Hub, settings: Settings) -> Iterator[Callable[..., Hub]]:
    """Make a further application with other settings."""
    made: list[Hub] = []

    def make(**changes: Any) -> Hub:
        made.append(another_app(replace(settings, **changes)))
        return made[-1]

    with restored_singletons():
        yield make
    for other in made:
        close_connections(other)


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
    """Make a client that is logged in as a user of a role."""

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
    """Make a client whose credential has an ability and as few others as possible."""

    def make(ability: str) -> FlaskClient:
        if ability in API_KEY:
            return erp
        roles = [role for role, abilities in ROLES.items() if ability in abilities]
        return client_as(min(roles, key=lambda role: len(ROLES[role])))

    return make


@pytest.fixture
def relayed(app: Hub) -> Callable[[], int]:
    """Assign positions to all committed events, as the relay task does in a running hub."""
    return relay
