"""``flask hub doctor``: checks configuration, servers, storage, libraries and workers; each finding has a remedy."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime

from flask import current_app
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.extensions import db
from app.kernel import clock, postgres_programs
from app.kernel.database import replica, schema_migrations
from app.kernel.identifiers import clean_identifier
from app.kernel.worker import heartbeat
from app.operations import attention, doctor_documents, doctor_storage, schema_revision
from app.operations.doctor_findings import Finding, State
from app.operations.monitoring import queue_drain, queue_health, redis_info

_MIB = 2**20
_MAX_CLOCK_OFFSET = 2.0
#: Columns whose values are unique, so that a value with invisible ends may have a clean twin.
_UNIQUE_IDENTIFIERS = {
    "sales_invoices": "invoice_no",
    "customers": "code",
    "salesmen": "name",
    "couriers": "code",
    "goods_receipts": "external_id",
    "suppliers": "external_id",
    "products": "external_id",
    "fabrics": "external_id",
    "production_orders": "external_id",
    "users": "email",
}
_SHOWN_IDENTIFIERS = 5


def run_checks() -> list[Finding]:
    """Run all checks; a check that cannot run is a finding of its own."""
    return [finding for check in CHECKS for finding in check()]


def _configuration() -> Iterator[Finding]:
    config = current_app.config
    # Invalid settings stop the application at start, so only a warning is possible here.
    yield Finding("configuration", State.OK, f"environment {config['ENVIRONMENT']}")
    if config["ENVIRONMENT"] == "production" and not config["METRICS_TOKEN"]:
        yield Finding(
            "configuration",
            State.WARNING,
            "METRICS_TOKEN is not set: only this machine can read /metrics",
            "Set it to the output of: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'",
        )


def _database() -> Iterator[Finding]:
    try:
        version = schema_migrations.server_version(db.session.connection())
        limit = int(db.session.scalar(text("SHOW max_connections")))
        used = db.session.scalar(text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"))
        encoding = db.session.scalar(text("SHOW server_encoding"))
    except SQLAlchemyError as error:
        db.session.rollback()
        reason = str(getattr(error, "orig", error)).splitlines()[0]
        yield Finding("database", State.FAULT, reason, "Start PostgreSQL, and check DATABASE_URL.")
        return
    yield Finding("database", State.OK, f"PostgreSQL {version}, {used} of {limit} connections used")
    if version < (oldest := schema_migrations.OLDEST_SERVER):
        yield Finding("database", State.FAULT, f"PostgreSQL {version} is too old", f"Upgrade it to {oldest} or later.")
    if encoding != "UTF8":
        yield Finding("database", State.FAULT, f"its encoding is {encoding}", "Create it again with ENCODING 'UTF8'.")
    needed = 2 * current_app.config["DATABASE_POOL_SIZE"]
    if limit - used < needed:
        yield Finding(
            "database",
            State.WARNING,
            f"{limit - used} connections are free, and one more process may need {needed}",
            "Raise max_connections, or lower DATABASE_POOL_SIZE.",
        )
    yield from _migrations()
    yield from _replica()
    yield _clock("the database", db.session.scalar(text("SELECT clock_timestamp()")))


def _replica() -> Iterator[Finding]:
    if not current_app.config["DATABASE_REPLICA_URL"]:
        return
    remedy = "Check DATABASE_REPLICA_URL and the replication; lists come from the primary."
    try:
        written, replayed = replica.read_positions()
    except SQLAlchemyError as error:
        yield Finding("replica", State.WARNING, str(getattr(error, "orig", error)).splitlines()[0], remedy)
        return
    if replayed is None:
        yield Finding("replica", State.WARNING, "it is no standby of the database in DATABASE_URL", remedy)
    else:
        yield Finding("replica", State.OK, f"{max(0, written - replayed) / _MIB:.1f} MiB behind the primary")


def _migrations() -> Iterator[Finding]:
    needed, current = schema_revision.needed(), schema_revision.current()
    if current == needed:
        yield Finding("migrations", State.OK, f"revision {current}")
    else:
        yield Finding(
            "migrations", State.FAULT, f"revision {current}, this hub needs {needed}", "flask --app wsgi hub migrate"
        )


def _identifiers() -> Iterator[Finding]:
    try:
        unclean = {table: _unclean_ids(table, column) for table, column in _UNIQUE_IDENTIFIERS.items()}
    except SQLAlchemyError:
        db.session.rollback()
        return  # the checks of the database and the migrations report it
    found = {table: ids for table, ids in unclean.items() if ids}
    for table, ids in found.items():
        column, rest = _UNIQUE_IDENTIFIERS[table], len(ids) - _SHOWN_IDENTIFIERS
        shown = ", ".join(map(str, ids[:_SHOWN_IDENTIFIERS])) + (f" and {rest} more" if rest > 0 else "")
        yield Finding(
            "identifiers",
            State.WARNING,
            f"{table}: {column} has invisible characters at its ends, or is not NFC, in the rows with id {shown}",
            "Requests find the row with the clean value, not these. Merge or rename them; see docs/operating.md.",
        )
    if not found:
        yield Finding("identifiers", State.OK, "no number, code or key has invisible characters at its ends")


def _unclean_ids(table: str, column: str) -> list[int]:
    # The database leaves out plain ASCII that begins and ends with a visible character.
    query = text(f"SELECT id, {column} AS value FROM {table} WHERE {column} !~ '^[!-~]([ -~]*[!-~])?$' ORDER BY id")  # noqa: S608 - only names of our own tables are put in
    return [row.id for row in db.session.execute(query) if clean_identifier(row.value) != row.value]


def _clock(server: str, moment: datetime) -> Finding:
    offset = abs((clock.now() - moment).total_seconds())
    message = f"offset to the clock of {server}: {offset:.1f} s"
    if offset <= _MAX_CLOCK_OFFSET:
        return Finding("clock", State.OK, message)
    return Finding("clock", State.FAULT, message, "Synchronise every machine by NTP (chrony).")


def _redis() -> Iterator[Finding]:
    try:
        started = time.perf_counter()
        info = redis_info.read_info()
        took = (time.perf_counter() - started) * 1000
    except RedisError as error:
        remedy = "Start Redis or Valkey, and check REDIS_URL."
        yield Finding("redis", State.FAULT, f"{type(error).__name__}: {error}", remedy)
        return
    if info is None:
        remedy = "Allow the user of REDIS_URL the command INFO, so that the memory is checked too."
        yield Finding("redis", State.WARNING, f"answers in {took:.0f} ms; its user may not run INFO", remedy)
        return
    version = info.get("valkey_version") or info["redis_version"]
    yield Finding("redis", State.OK, f"version {version}, {info['used_memory'] // _MIB} MiB used, {took:.0f} ms")
    if (policy := info.get("maxmemory_policy", "noeviction")) != "noeviction":
        yield Finding(
            "redis", State.WARNING, f"maxmemory-policy is {policy}: Redis may delete tasks", "Set it to noeviction."
        )


def _sentinels() -> Iterator[Finding]:
    states = redis_info.read_sentinels()
    for state in states:
        if state.fault:
            remedy = "Repair it, or take it out of REDIS_URL; without a quorum nothing takes over from a lost master."
            yield Finding("sentinels", State.WARNING, f"{state.address}: {state.fault}", remedy)
    if states and not any(state.fault for state in states):
        yield Finding("sentinels", State.OK, f"{len(states)} answer, know a replica, and agree")


def _attention() -> Iterator[Finding]:
    try:
        needs = attention.list_needs(lambda _ability: True, None)
    except SQLAlchemyError:
        db.session.rollback()
        return  # the checks of the database and the migrations report it
    for need in needs:
        since = f" (since {need.since:%Y-%m-%d %H:%M} UTC)" if need.since else ""
        state = State.FAULT if need.is_red else State.WARNING
        yield Finding("attention", state, f"{need.message}{since}", attention.REMEDIES[need.kind])
    if not needs:
        yield Finding("attention", State.OK, "nothing needs a person")


def _programs() -> Iterator[Finding]:
    for name in ("pg_dump", "pg_restore", "psql"):
        if path := postgres_programs.program_path(name):
            yield Finding("backup", State.OK, str(path))
        else:
            yield Finding("backup", State.WARNING, f"{name} was not found", "apt-get install postgresql-client")


def _workers() -> Iterator[Finding]:
    try:
        queues = queue_health.health(heartbeat.processes(), queue_drain.list_drains_or_empty())
    except (RedisError, SQLAlchemyError):
        db.session.rollback()
        return  # the checks of the database and Redis report it
    for queue in queues:
        if queue.is_red:
            yield Finding("workers", State.WARNING, queue.reason, "Start the processes; see docs/operating.md.")
        else:
            yield Finding("workers", State.OK, f"queue {queue.queue}, canary {queue.age_seconds:.0f} s old")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _configuration,
    _database,
    _identifiers,
    _redis,
    _sentinels,
    doctor_storage.check_storage,
    doctor_documents.check_pdf_libraries,
    _attention,
    doctor_documents.check_series,
    _programs,
    doctor_documents.check_official_rules,
    _workers,
)
