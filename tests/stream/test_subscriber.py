"""A subscriber: what it passes on, to a queue and to a connection that it was handed over to."""

from __future__ import annotations

import pytest

from app.accounts.credentials.revalidation import Rights
from app.accounts.principals import Principal
from app.stream.sse_frames import KEEP_ALIVE, Frame, event_frame
from app.stream.subscriber import StreamFilter, Subscriber

BUFFER = 3
KEEP_ALIVE_FRAME = Frame(KEEP_ALIVE.encode(), 0)


def frame(position: int) -> Frame:
    return Frame(b"<%d>" % position, position)


class Connection:
    """A connection whose peer takes what it is told to take."""

    def __init__(self, *, is_chunked: bool = False) -> None:
        self.is_chunked = is_chunked
        self.waiting = 0
        self.sent: list[bytes] = []
        self.finished = False

    def send(self, data: bytes) -> None:
        self.sent.append(data)

    def finish(self) -> None:
        self.finished = True


def a_subscriber(*, after: int = 0) -> Subscriber:
    return Subscriber(
        StreamFilter(frozenset({"sales.imported"}), 1, True, event_frame),
        Principal(credential="token:1", abilities=frozenset({"events:read"}), name="ERP", user_id=1),
        ability="events:read",
        address="127.0.0.1",
        after=after,
        keep_alive=KEEP_ALIVE_FRAME,
        buffer_events=BUFFER,
    )


def handed_over(subscriber: Subscriber, **options: bool) -> Connection:
    connection = Connection(**options)
    subscriber.hand_over(connection, now=100.0, ends_at=700.0)
    return connection


def offer_all(subscriber: Subscriber, *positions: int) -> None:
    frames = [frame(position) for position in positions]
    subscriber.offer_all(frames, Frame.of_many(frames), now=101.0)


def test_what_waits_is_sent_first_and_what_the_reader_has_is_not_sent() -> None:
    subscriber = a_subscriber(after=2)
    for position in (1, 2, 3, 4):
        subscriber.offer(frame(position))
    connection = handed_over(subscriber)
    offer_all(subscriber, 5)
    assert connection.sent == [b"<3>", b"<4>", b"<5>"]


def test_a_batch_is_one_write_except_for_a_reader_that_has_its_beginning() -> None:
    fresh, resumed = a_subscriber(), a_subscriber(after=2)
    connections = handed_over(fresh, is_chunked=True), handed_over(resumed)
    for subscriber in (fresh, resumed):
        offer_all(subscriber, 1, 2, 3, 4)
    assert [connection.sent for connection in connections] == [
        [b"C\r\n<1><2><3><4>\r\n"],
        [b"<3>", b"<4>"],
    ]


def test_a_reader_that_lets_too_much_wait_is_ended_without_a_gap() -> None:
    subscriber = a_subscriber()
    connection = handed_over(subscriber)
    connection.waiting = BUFFER - 1
    offer_all(subscriber, 1)
    connection.waiting = BUFFER
    offer_all(subscriber, 2, 3)
    connection.waiting = 0
    offer_all(subscriber, 4)
    subscriber.watch_time(1000.0, 1.0, 15.0)
    assert connection.sent == [b"<1>"]
    assert connection.finished


@pytest.mark.parametrize("last", [frame(BUFFER + 1), None])
def test_a_reader_that_was_too_slow_before_it_was_handed_over_is_ended(last: Frame | None) -> None:
    subscriber = a_subscriber()
    for position in range(1, BUFFER + 1):
        subscriber.offer(frame(position))
    subscriber.offer(last)
    connection = handed_over(subscriber)
    assert connection.sent == [b"<1>", b"<2>", b"<3>"]
    assert connection.finished


def test_a_stream_that_was_ended_before_it_was_handed_over_is_ended() -> None:
    subscriber = a_subscriber()
    subscriber.offer(frame(1))
    subscriber.offer(None)
    connection = handed_over(subscriber)
    assert (connection.sent, connection.finished) == ([b"<1>"], True)


def test_a_keep_alive_is_sent_before_a_pause_gets_too_long_and_the_end_comes_with_its_time() -> None:
    subscriber = a_subscriber()
    connection = handed_over(subscriber)
    offer_all(subscriber, 1)  # at 101
    del connection.sent[:]
    for now in (105.0, 114.9):
        subscriber.watch_time(now, margin=1.0, keep_alive_seconds=15.0)
    assert connection.sent == []
    for now in (115.1, 116.0, 129.0):
        subscriber.watch_time(now, margin=1.0, keep_alive_seconds=15.0)
    assert connection.sent == [KEEP_ALIVE.encode()]
    assert not connection.finished
    subscriber.watch_time(700.0, margin=1.0, keep_alive_seconds=15.0)
    assert connection.finished


def test_a_peer_that_takes_nothing_gets_no_keep_alive() -> None:
    subscriber = a_subscriber()
    connection = handed_over(subscriber)
    connection.waiting = 1
    subscriber.watch_time(300.0, margin=1.0, keep_alive_seconds=15.0)
    assert connection.sent == []


def test_rights_cover_a_stream_only_as_it_was_opened() -> None:
    rights = Rights(frozenset({"events:read", "sales:read"}), "admin")
    assert a_subscriber().is_covered_by(rights)
    assert not a_subscriber().is_covered_by(Rights(rights.abilities, "billing"))
    assert not a_subscriber().is_covered_by(Rights(frozenset({"events:read"}), "admin"))
    assert not a_subscriber().is_covered_by(Rights(rights.abilities, "admin", ["192.0.2.0/24"]))
