"""Benchmark: retention of a month, reading by position and the relay, with a log of 13 months and with 10,000 events.

``EVENTS`` changes the number in the large log.
"""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
from flask.testing import FlaskClient

from app import events
from app.events import retention
from app.events.relay import relay
from app.kernel.database import month_partitions
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.events import TEST
from bench.figures import print_figure
from bench.sizes import hubs, in_turns

SMALL, LARGE, MONTHS = 10_000, int(os.environ.get("EVENTS", "1000000")), 13
PAGE, BATCH, ROUNDS, WARM_UP = 100, 50, 200, 20
#: Bodies of 700 bytes, spread over 27 days.
FILL = f"""
    INSERT INTO events (uuid, type, subject_id, body, created_at, position)
    SELECT gen_random_uuid(), '{TEST.name}', n, rpad('{{}}', 700), %(begin)s + n * interval '27 days' / %(count)s,
        %(last)s + n
    FROM generate_series(1, %(count)s) AS n
"""


def run() -> None:
    """Print the seconds that the retention of a month takes, and the ratios of reading and placing."""
    with hubs((SMALL, LARGE), _fill) as (few, many):
        with psycopg.connect(_url(many)) as connection:
            size = connection.execute("SELECT sum(pg_total_relation_size(inhrelid)) FROM pg_inherits").fetchone()
        print(
            f"\n{LARGE:,} events in {MONTHS} months ({(size or (0,))[0] / 2**30:.1f} GiB), and {SMALL:,} in one month"
        )
        for name, work in {
            f"reading {PAGE} events after a position": _read,
            f"writing and placing {BATCH} events": _place,
        }.items():
            small, large = map(statistics.median, in_turns((work(few, SMALL), work(many, LARGE)), ROUNDS, WARM_UP))
            print(f"{name}: {small:.2f} ms, {large:.2f} ms")
            print_figure(f"{name}, {LARGE:,} events / {SMALL:,}", large / small, aim="at most 1.5")
        seconds = list(_retention(many))
        print_figure(
            f"seconds of the retention of a month of {LARGE // MONTHS:,} events", seconds, "{:.3f}", "at most 5"
        )


def _fill(url: str, count: int) -> str:
    last = 0
    with psycopg.connect(url, autocommit=True) as connection:
        for begin in _begins() if count > SMALL else _begins()[:1]:
            month_partitions.make_ahead(begin)
            part = count // MONTHS if count > SMALL else count
            connection.execute(FILL, {"begin": begin, "count": part, "last": last})
            last += part
        connection.execute("UPDATE event_head SET position = %s", [last])
        connection.execute("VACUUM ANALYZE")
    return "X-Unused: x"


def _begins() -> list[datetime]:
    """The beginnings of the months after the present one, whose events the first partition takes."""
    now = datetime.now(UTC)
    numbers = (divmod(now.year * 12 + now.month - 1 + ahead, 12) for ahead in range(1, MONTHS + 1))
    return [datetime(year, month + 1, 1, tzinfo=UTC) for year, month in numbers]


def _url(client: FlaskClient) -> str:
    url: str = client.application.config["SQLALCHEMY_DATABASE_URI"]
    return url.replace("postgresql+psycopg://", "postgresql://")


def _read(client: FlaskClient, count: int) -> Callable[[], None]:
    chosen = random.Random(1)

    def read() -> None:
        after = chosen.randrange(count - 2 * PAGE - MONTHS)
        with client.application.app_context(), unit_of_work():
            page = events.read_after(after, types=[TEST.name], limit=PAGE, everybody=True)
        if [event.position for event in page.events] != list(range(after + 1, after + PAGE + 1)):
            raise RuntimeError("events are missing")

    return read


def _place(client: FlaskClient, _count: int) -> Callable[[], None]:
    def place() -> None:
        with client.application.app_context():
            with unit_of_work():
                events.emit_many(TEST, ((number, {}) for number in range(BATCH)))
            if relay() != BATCH:
                raise RuntimeError("events were not placed")

    return place


def _retention(client: FlaskClient) -> Iterator[float]:
    """Seconds for each of three months, the oldest first."""
    for following in _begins()[1:4]:
        started = time.perf_counter()
        with client.application.app_context():
            removed = retention.purge(following + timedelta(hours=1))
        yield time.perf_counter() - started
        if removed != LARGE // MONTHS:
            raise RuntimeError(f"{removed} events were removed")
