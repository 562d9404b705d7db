"""Peers: deadlines, the place that the oldest waiting connection gives to a new one, and connections taken over."""

from __future__ import annotations

import errno
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from gevent import socket
from gevent.event import Event
from gevent.pool import Group

from app.operations.web_server import peers as peers_module
from app.operations.web_server.peers import Peer, TakenConnection, WaitingPeers


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
    monkeypatch.setattr(peers_module, "SEND_SECONDS", 0.05)
    monkeypatch.setattr(peers_module, "LEAST_RATE", 2**30)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with pytest.raises(ConnectionResetError) as raised:
            Peer(ours, WaitingPeers(3)).sendall(b"x" * 2**24)
        assert raised.value.errno == errno.ECONNRESET


def test_an_interim_answer_waits_for_no_peer_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """gunicorn writes ``100 Continue`` by ``send``, not by ``sendall``."""
    monkeypatch.setattr(peers_module, "SEND_SECONDS", 0.05)
    ours, theirs = socket.socketpair()
    with ours, theirs, gevent.Timeout(5):
        peer = Peer(ours, WaitingPeers(3))
        with pytest.raises(ConnectionResetError):
            while True:
                assert peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000) == 25000


def test_a_peer_that_sends_without_end_is_closed_and_others_have_their_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers_module, "LONGEST_LINGER", 0.3)
    endless = FakeClient()
    turns = 0

    def others() -> None:
        nonlocal turns
        while not endless.is_closed:
            turns += 1
            gevent.sleep(0)

    gevent.spawn(others)
    with gevent.Timeout(5):
        Peer(endless, WaitingPeers(3), has_answer=True).close()
    assert endless.is_closed
    assert turns > 10


def test_an_answer_arrives_whole() -> None:
    ours, theirs = socket.socketpair()
    sent = bytes(range(256)) * 8192
    with theirs:
        received: Any = gevent.spawn(lambda: b"".join(iter(lambda: theirs.recv(65536), b"")))
        Peer(ours, WaitingPeers(3)).sendall(sent)
        ours.close()
        assert received.get() == sent


class FakeClient:
    """A socket whose peer always has sent more than was read."""

    def __init__(self) -> None:
        self.is_closed = False
        self._until = time.monotonic() + 2

    def shutdown(self, _how: int) -> None:
        """The peer goes on."""

    def recv(self, size: int) -> bytes:
        return b"x" * size if time.monotonic() < self._until else b""

    def close(self) -> None:
        self.is_closed = True


class Taken:
    """A connection that an answer took over, and its peer."""

    def __init__(self, *, is_chunked: bool = True) -> None:
        ours, self.theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.ended = 0
        self.server_side = Peer(ours, WaitingPeers(3))
        self.connection: TakenConnection = self.server_side.take_over(Group(), self.end, is_chunked=is_chunked)

    def end(self) -> None:
        self.ended += 1

    def received(self) -> bytes:
        """What the peer gets until the end."""
        with gevent.Timeout(10):
            return b"".join(iter(lambda: self.theirs.recv(65536), b""))


@pytest.fixture
def taken() -> Iterator[Taken]:
    made = Taken()
    with made.theirs:
        yield made


class TestTakenConnection:
    @pytest.mark.parametrize(("is_chunked", "end"), [(True, b"0\r\n\r\n"), (False, b"")])
    def test_the_server_writes_nothing_more_and_the_answer_ends_with_its_last_chunk(
        self, *, is_chunked: bool, end: bytes
    ) -> None:
        taken = Taken(is_chunked=is_chunked)
        with taken.theirs:
            taken.server_side.sendall(b"0\r\n\r\n")
            taken.server_side.close()
            for frame in (b"one", b"two"):
                taken.connection.send(frame)
            taken.connection.finish()
            taken.connection.send(b"too late")
            taken.connection.finish()
            assert taken.received() == b"onetwo" + end
        gevent.sleep(0.05)
        assert taken.ended == 1

    def test_a_peer_that_reads_late_gets_everything_in_order_and_nobody_waits(self, taken: Taken) -> None:
        frames = [b"%06d" % number * 1000 for number in range(200)]
        with gevent.Timeout(1):
            for frame in frames:
                taken.connection.send(frame)
        assert taken.connection.waiting > 100
        assert taken.theirs.recv(6) == b"000000"
        reader = gevent.spawn(taken.received)
        while taken.connection.waiting:
            gevent.sleep(0.01)
        taken.connection.send(b"and on")
        assert taken.connection.waiting == 0, "the rest is written without a greenlet again"
        taken.connection.finish()
        assert b"000000" + reader.get() == b"".join(frames) + b"and on0\r\n\r\n"
        taken.theirs.close()
        gevent.sleep(0.05)
        assert taken.ended == 1

    def test_a_peer_that_is_gone_ends_it_once(self, taken: Taken) -> None:
        taken.theirs.close()
        for _ in range(3):
            taken.connection.send(b"frame")
        taken.connection.finish()
        gevent.sleep(0)
        assert taken.ended == 1

    def test_a_peer_that_does_not_read_is_closed_after_its_time(
        self, taken: Taken, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(peers_module, "SEND_SECONDS", 0.05)
        monkeypatch.setattr(peers_module, "LEAST_RATE", 2**30)
        taken.connection.send(b"x" * 2**20)
        assert taken.ended == 0
        gevent.sleep(0.3)
        assert taken.ended == 1
        assert 0 < len(taken.received()) < 2**20

    def test_a_peer_that_reads_slowly_does_not_put_off_the_end(
        self, taken: Taken, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(peers_module, "SEND_SECONDS", 0.5)
        monkeypatch.setattr(peers_module, "LEAST_RATE", 2**30)
        for _ in range(100):
            taken.connection.send(b"x" * 20_000)
        taken.connection.finish()
        with gevent.Timeout(4):
            while not taken.ended:
                taken.theirs.recv(20_000)
                gevent.sleep(0.03)  # each frame has its time, all of them together have not

    def test_a_batch_that_waits_for_many_peers_is_held_once(self) -> None:
        peers = [Taken() for _ in range(20)]
        batch = b"x" * 2**20
        tracemalloc.start()
        try:
            for peer in peers:
                peer.connection.send(batch)
            held = tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()
        for peer in peers:
            peer.theirs.close()
        gevent.sleep(0.05)
        assert [peer.ended for peer in peers] == [1] * 20
        assert held < 2**20
