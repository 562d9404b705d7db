"""Benchmark: how many events one relay takes, beside bare inserts of the same rows, and the lag below that ceiling."""

from __future__ import annotations

import re
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
from redis import Redis

from app.stream.publisher import CHANNEL
from bench.bench_webhooks import in_hub
from bench.figures import print_figure
from bench.hub import RunningHub, running_hub

WRITERS, FLOOD, SECONDS, SETTLE_SECONDS = 2, 30_000, 8.0, 120.0
PER_TRANSACTION = 50
SHARES = (0.25, 0.5, 0.75)
_SENT = re.compile(rb'\\?"sent\\?":\s*([0-9.]+)')


class Lags:
    """Seconds from the making of each event until its message to the streams, while the block of ``running`` lasts."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @contextmanager
    def running(self, redis_url: str) -> Iterator[None]:
        """Listen to the channel that web processes listen to."""
        ended = threading.Event()
        with Redis.from_url(redis_url) as client, client.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(CHANNEL)

            def listen() -> None:
                while not ended.is_set():
                    if message := channel.get_message(timeout=0.2):
                        now = time.time()
                        self.seconds += [now - float(sent) for sent in _SENT.findall(message["data"])]

            listener = threading.Thread(target=listen)
            listener.start()
            try:
                yield
            finally:
                ended.set()
                listener.join()


def run() -> None:
    """Print the ceiling of the relay, its ratio to bare inserts, and the lag at shares of the ceiling."""
    with running_hub(web_processes=1) as hub, psycopg.connect(hub.database_url, autocommit=True) as database:
        database.execute("CREATE TABLE bench_events (LIKE events INCLUDING ALL)")
        _load(hub, "write", "2", str(PER_TRANSACTION), "500")  # warm
        bare = sum(_load(hub, "write_bare", str(SECONDS), str(PER_TRANSACTION), hub.database_url)) / SECONDS
        ceiling = _flood(hub, database)
        print(f"\nThe relay on this machine, {WRITERS} writers, {PER_TRANSACTION} events in each of their transactions")
        print(f"bare psycopg, the same rows: {bare:.0f} rows/s")
        print_figure(f"events a second that one relay places, {FLOOD} wait / bare inserts", ceiling / bare)
        print_figure("events a second that one relay places", ceiling, "{:.0f}")
        print(f"{'asked':>6}{'written':>9}{'events/s':>10}{'lag p50 ms':>12}{'lag p95 ms':>12}{'backlog after':>15}")
        for share in SHARES:
            print(_at(hub, database, share, ceiling))


def _flood(hub: RunningHub, database: psycopg.Connection[tuple[int]]) -> float:
    """Events per second that the relay places when very many wait; the first and the last tenth do not count."""
    _drained(database)
    start, tenth, moments = _head(database), FLOOD // 10, list[tuple[float, int]]()
    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(in_hub, hub, "flood", str(FLOOD), module="bench.relay_events")
        deadline = time.monotonic() + SETTLE_SECONDS
        while (placed := _head(database) - start) < FLOOD - tenth:
            if time.monotonic() > deadline:
                raise RuntimeError("the relay does not catch up")
            if placed >= tenth:
                moments.append((time.monotonic(), placed))
            time.sleep(0.01)
        flooding.result()
    _drained(database)
    (began, first), (ended, last) = moments[0], moments[-1]
    return (last - first) / (ended - began)


def _at(hub: RunningHub, database: psycopg.Connection[tuple[int]], share: float, ceiling: float) -> str:
    """A line of the table: the lag at a share of the ceiling, and the share that the writers reached."""
    lags = Lags()
    with lags.running(hub.environment["REDIS_URL"]):
        written = sum(_load(hub, "write", str(SECONDS), str(PER_TRANSACTION), str(share * ceiling / WRITERS))) / SECONDS
        backlog = _backlog(database)
        _drained(database)
        time.sleep(0.5)
    cuts = statistics.quantiles(lags.seconds, n=20)
    print_figure(f"lag of a stream at {share:.0%} of the ceiling asked for, p95 in ms", cuts[18] * 1000, "{:.0f}")
    reached = f"{share:>6.0%}{written / ceiling:>9.0%}{written:>10.0f}"
    return f"{reached}{cuts[9] * 1000:>12.0f}{cuts[18] * 1000:>12.0f}{backlog:>15}"


def _load(hub: RunningHub, function: str, *arguments: str) -> list[int]:
    """Run all writers at the same time; returns what each wrote."""
    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(in_hub, hub, function, *arguments, module="bench.relay_events") for _ in range(WRITERS)]
        return [int(one.result()) for one in running]


def _head(database: psycopg.Connection[tuple[int]]) -> int:
    return _number(database, "SELECT position FROM event_head")


def _backlog(database: psycopg.Connection[tuple[int]]) -> int:
    return _number(database, "SELECT count(*) FROM events WHERE position IS NULL")


def _number(database: psycopg.Connection[tuple[int]], query: str) -> int:
    row = database.execute(query).fetchone()
    return row[0] if row else 0


def _drained(database: psycopg.Connection[tuple[int]]) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while _backlog(database):
        if time.monotonic() > deadline:
            raise RuntimeError("the relay does not catch up")
        time.sleep(0.2)
