"""Benchmark: first webhook attempts, latency from commit to receiver and throughput, compared with the plain client."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import selectors
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from app.webhooks.sender import http_client
from bench.figures import print_figure
from bench.hub import ROOT, RunningHub, running_hub

STEADY, STEADY_SECONDS, FLOOD, ENDPOINTS = 50, 20, 5000, 1000
BARE_SECONDS = 4.0
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Counter:
    """A minimal receiver in a separate process that records the time of arrival of each event."""

    port: int
    arrivals: Any

    def wait(self, expected: Collection[str], seconds: float) -> dict[str, float]:
        """Times (``time.time()``) of the first arrival of each of the ``expected`` events."""
        first: dict[str, float] = {}
        deadline = time.monotonic() + seconds
        while len(first) < len(expected):
            event, moment = self.arrivals.get(timeout=max(0.1, deadline - time.monotonic()))
            if event in expected:
                first.setdefault(event, moment)
        return first

    def wait_for_copies(self, expected: str, copies: int, seconds: float) -> float:
        """Time of the arrival of the last of so many copies of an event."""
        deadline, last = time.monotonic() + seconds, 0.0
        while copies:
            event, last = self.arrivals.get(timeout=max(0.1, deadline - time.monotonic()))
            copies -= event == expected
        return last


def run() -> None:
    """Print p50 and p95 at 50 events per second, the maximum rate, and the rate of the plain client."""
    with (
        running_hub({"WEBHOOK_ENDPOINTS_PER_USER": str(ENDPOINTS + 1)}, web_processes=1) as hub,
        webhook_receiver() as receiver,
    ):
        in_hub(hub, "subscribe", str(receiver.port))
        warm = in_hub(hub, "steady", "20", str(STEADY))
        receiver.wait(warm, 60)
        before = _bare(receiver)
        happened = in_hub(hub, "steady", str(STEADY * STEADY_SECONDS), str(STEADY))
        arrived = receiver.wait(happened, 60)
        taken = [(arrived[event] - moment) * 1000 for event, moment in happened.items()]
        cuts = statistics.quantiles(taken, n=20)
        happened = in_hub(hub, "flood", str(FLOOD))
        moments = sorted(receiver.wait(happened, 240).values())
        after = _bare(receiver)
        spread = _to_many(hub, receiver)
    tenth = FLOOD // 10  # ignore the first and the last tenth
    rate = (FLOOD - 2 * tenth) / (moments[-tenth] - moments[tenth])
    print("\nWebhooks to one receiver on this machine")
    print(f"the plain client in a loop, before and after: {before:.0f}/s, {after:.0f}/s")
    print_figure(
        f"maximum rate, {FLOOD} events in one commit / the plain client", rate / max(before, after), aim="at least 1"
    )
    print_figure("maximum rate, webhooks a second", rate, "{:.0f}")
    print_figure(f"commit to receiver at {STEADY}/s for {STEADY_SECONDS} s, p50 in ms", cuts[9], "{:.0f}")
    print_figure(
        f"commit to receiver at {STEADY}/s for {STEADY_SECONDS} s, p95 in ms", cuts[18], "{:.0f}", "at most 60"
    )
    print_figure(f"one event to {ENDPOINTS} more endpoints, s until the last has it", spread, aim="at most 5")


def _to_many(hub: RunningHub, receiver: Counter) -> float:
    """Seconds from the commit of one event until all of many endpoints have it."""
    endpoints = in_hub(hub, "subscribe_many", str(receiver.port), str(ENDPOINTS))
    ((event, moment),) = in_hub(hub, "steady", "1", str(STEADY)).items()
    return receiver.wait_for_copies(event, endpoints, 120) - float(moment)


def _bare(receiver: Counter) -> float:
    """Rate of the same client in a loop with a body of the same size, without signing and storing."""
    allowances = [{"cidr": "127.0.0.0/8", "port": receiver.port}]
    url, body = f"http://127.0.0.1:{receiver.port}/hooks", b"x" * 500
    end, count = time.monotonic() + BARE_SECONDS, 0
    while time.monotonic() < end:
        answer = http_client.post(url, body, {"X-Webhook-Id": f"bare-{count}"}, allowances)
        if not answer.is_success:
            raise RuntimeError(answer.error)
        count += 1
    return count / BARE_SECONDS


def in_hub(hub: RunningHub, *arguments: str, module: str = "bench.webhook_events") -> Any:
    """Run a function of ``module`` in a separate process with the settings of the hub; returns its result."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, **hub.environment},
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def webhook_receiver() -> Iterator[Counter]:
    arrivals: Any = multiprocessing.Queue()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(256)
        process = multiprocessing.Process(target=_serve, args=(listener, arrivals), daemon=True)
        process.start()
        try:
            yield Counter(listener.getsockname()[1], arrivals)
        finally:
            process.terminate()
            process.join()


def _serve(listener: socket.socket, arrivals: Any) -> None:
    """Serve POST requests with a ``Content-Length`` in one thread with one selector."""
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    buffers: dict[socket.socket, bytes] = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                buffers[connection] = b""
                selector.register(connection, selectors.EVENT_READ)
                continue
            connection = key.fileobj  # type: ignore[assignment]
            buffers[connection] += connection.recv(65536)
            if not buffers[connection]:
                selector.unregister(connection)
                connection.close()
                del buffers[connection]
                continue
            head, _, body = buffers[connection].partition(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head.lower())
            if length and len(body) >= int(length[1]):
                event = re.search(rb"\r\nx-webhook-id: ([^\r]+)", head, re.IGNORECASE)
                arrivals.put((event[1].decode() if event else "", time.time()))
                connection.sendall(_ANSWER)
                buffers[connection] = b""
