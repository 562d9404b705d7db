"""Drills of the streams: several web processes, readers that reconnect, a Redis that stops, freezes or is flushed."""

from __future__ import annotations

import itertools
import os
import random
import statistics
import subprocess
import sys
import time

import psycopg
import pytest
from redis import Redis

from tests.drills.hubs import ROOT, DrillHub, wait_for
from tests.factories import a_sale

pytestmark = [pytest.mark.drill, pytest.mark.alone]
IMPORT = "/api/sales/import/invoice/"


def imported(hub: DrillHub, *, web: int = 0) -> str:
    sale = a_sale(invoice_no=f"DRILL-{random.getrandbits(60)}")
    status, _ = hub.post(IMPORT, sale, web=web)
    assert status == 201
    return sale["invoice_no"]


@pytest.mark.parametrize(("taking", "listening"), list(itertools.product((0, 1), repeat=2)))
def test_an_import_reaches_all_web_processes_within_300_ms(hub: DrillHub, taking: int, listening: int) -> None:
    listener = hub.listen(web=listening)
    wait_for(lambda: listener.comments, 5)
    late = []
    for _ in range(5):
        number = imported(hub, web=taking)
        answered = time.monotonic()
        frame = listener.next()
        assert frame.json["invoice_no"] == number
        late.append(frame.at - answered)
    listener.close()
    assert statistics.median(late) < 0.3


def test_a_reader_that_reconnects_100_times_gets_every_event_once_in_order(hub: DrillHub) -> None:
    """Two processes hold transactions open for random times, so that commits overtake each other."""
    with psycopg.connect(hub.postgres.url, autocommit=True) as connection:
        before = connection.execute("SELECT position FROM event_head").fetchone()
        assert before
        command = [sys.executable, "-m", "tests.drills.out_of_order"]
        writers = [
            subprocess.Popen([*command, str(number)], cwd=ROOT, env={**os.environ, **hub.environment})
            for number in range(2)
        ]
        seen: list[int] = []
        last = str(before[0])
        for visit in range(100):
            listener = hub.listen(web=visit % 2, after=last)
            for _ in range(random.randint(1, 3)):
                frame = listener.next(timeout=30)
                assert frame.id is not None
                seen.append(int(frame.id))
                last = frame.id
            listener.close()
        for writer in writers:
            assert writer.wait(60) == 0
        wait_for(lambda: _all_placed(connection), 10)
        listener = hub.listen(after=last)
        rows = connection.execute("SELECT position, id FROM events WHERE position > %s ORDER BY 1", before).fetchall()
        while len(seen) < len(rows):
            seen.append(int(listener.next().id or 0))
        listener.close()
    assert seen == [position for position, _ in rows]
    assert seen == list(range(before[0] + 1, before[0] + 1 + len(rows)))
    assert [written for _, written in rows] != sorted(written for _, written in rows), "nothing was out of order"


def _all_placed(connection: psycopg.Connection[tuple[int, ...]]) -> bool:
    row = connection.execute("SELECT count(*) FROM events WHERE position IS NULL").fetchone()
    return row == (0,)


def p95_of_imports(hub: DrillHub, numbers: list[str]) -> float:
    taken = []
    for _ in range(40):
        started = time.monotonic()
        numbers.append(imported(hub, web=len(numbers) % 2))
        taken.append(time.monotonic() - started)
    return statistics.quantiles(taken, n=20)[-1]


@pytest.mark.parametrize("fate", ["stopped", "frozen", "flushed"])
def test_imports_work_without_redis_and_streams_catch_up(hub: DrillHub, fate: str) -> None:
    listeners = [hub.listen(web=web) for web in (0, 1)]
    for listener in listeners:
        wait_for(lambda listener=listener: listener.comments, 5)
    numbers: list[str] = []
    healthy = p95_of_imports(hub, numbers)
    if fate == "stopped":
        hub.stop_redis()
    elif fate == "frozen":
        hub.freeze_redis()
    else:
        _flush(hub)
    without = p95_of_imports(hub, numbers)
    if fate == "stopped":
        hub.start_redis()
    elif fate == "frozen":
        hub.thaw_redis()
    for listener in listeners:
        assert [listener.next(timeout=30).json["invoice_no"] for _ in numbers] == numbers
        listener.close()
    # Both figures come from this machine in this minute; a blocked publish would cost two seconds.
    assert without - healthy < 0.05, f"{healthy=} {without=}"


def _flush(hub: DrillHub) -> None:
    with Redis.from_url(hub.valkey.url) as client:
        client.flushall()
