"""The web worker: deadlines of peers, and the place that the oldest waiting connection gives to a new one."""

from __future__ import annotations

import errno
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event
from gunicorn.http.errors import InvalidChunkSize

from app.operations import web_worker
from app.operations.web_worker import Peer, WaitingPeers, _Body


def outcome(peers: WaitingPeers, arrived: Event, seconds: float) -> str:
    try:
        with peers.time_limit(seconds):
            arrived.wait()
    except TimeoutError as error:
        return str(error)
    return "arrived"


def test_a_peer_has_so_many_seconds() -> None:
    peers = WaitingPeers(10)
    assert outcome(peers, Event(), 0.01) == "the peer is too slow"
    assert outcome(peers, Event(), -1) == "the peer is too slow"
    arrived = Event()
    gevent.spawn_later(0.01, arrived.set)
    assert outcome(peers, arrived, 5) == "arrived"


def test_the_connection_that_waits_longest_gives_its_place_to_a_new_one() -> None:
    peers, arrived = WaitingPeers(3), Event()
    waiting = []
    for _ in range(5):
        waiting.append(gevent.spawn(outcome, peers, arrived, 5))
        gevent.sleep(0)
    gevent.sleep(0.01)
    arrived.set()
    gevent.joinall(waiting)
    assert [one.value for one in waiting] == ["too many peers are slow"] * 2 + ["arrived"] * 3


def test_many_new_connections_at_once_close_as_many_old_ones() -> None:
    peers, arrived = WaitingPeers(3), Event()
    waiting = [gevent.spawn(outcome, peers, arrived, 5) for _ in range(9)]
    gevent.sleep(0.01)
    arrived.set()
    gevent.joinall(waiting)
    assert [one.value for one in waiting] == ["too many peers are slow"] * 6 + ["arrived"] * 3


def test_a_peer_that_does_not_read_its_answer_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_worker, "SEND_SECONDS", 0.05)
    monkeypatch.setattr(web_worker, "LEAST_RATE", 2**30)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(ConnectionResetError) as raised:
            Peer(ours, WaitingPeers(3)).sendall(b"x" * 2**24)
        assert raised.value.errno == errno.ECONNRESET


def test_an_answer_arrives_whole() -> None:
    ours, theirs = socket.socketpair()
    sent = bytes(range(256)) * 8192
    with theirs:
        received: Any = gevent.spawn(lambda: b"".join(iter(lambda: theirs.recv(65536), b"")))
        Peer(ours, WaitingPeers(3)).sendall(sent)
        ours.close()
        assert received.get() == sent


class Malformed:
    failed = False

    def read(self, _size: int | None) -> bytes:
        raise InvalidChunkSize(b"zz")


def test_a_malformed_chunk_is_an_error_of_the_connection() -> None:
    with pytest.raises(OSError, match="Invalid chunk size"):
        _Body(Malformed()).read(1)
