"""Ranges of a stored file: one range, the whole, or 416."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from werkzeug.datastructures import Headers

from app.kernel.errors import RangeNotSatisfiable
from app.kernel.http.app import Hub
from app.pdf.files import find_file, send_pdf

CONTENT = b"0123456789"
TAG = "a" * 64
MODIFIED = "Sun, 01 Feb 2026 12:00:00 GMT"


@dataclass(frozen=True)
class Sent:
    """An answer that was read to its end."""

    status: int
    body: bytes
    headers: Headers


@pytest.fixture(autouse=True)
def _stored_file(app: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)
    file = tmp_path / "x.pdf"
    file.write_bytes(CONTENT)
    os.utime(file, (1769947200, 1769947200))


def send(app: Hub, *, method: str = "GET", **headers: str) -> Sent:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    with app.test_request_context("/x.pdf", method=method, headers=names):
        stored = find_file("x.pdf", TAG, "x.pdf")
        assert stored
        answer = send_pdf(stored, download=True)
        answer.direct_passthrough = False
        body = answer.get_data()
        answer.close()
    return Sent(answer.status_code, body, answer.headers)


@pytest.mark.parametrize(
    ("asked", "part", "told"),
    [
        ("bytes=0-3", b"0123", "bytes 0-3/10"),
        ("bytes=4-", b"456789", "bytes 4-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=9-9", b"9", "bytes 9-9/10"),
        ("bytes=5-99999", b"56789", "bytes 5-9/10"),
        ("bytes=-99999", CONTENT, "bytes 0-9/10"),
        ("Bytes=0-3", b"0123", "bytes 0-3/10"),
    ],
)
def test_one_range_is_a_part(app: Hub, asked: str, part: bytes, told: str) -> None:
    answer = send(app, Range=asked)
    assert (answer.status, answer.body, answer.headers["Content-Range"]) == (206, part, told)
    assert answer.headers["Content-Length"] == str(len(part))


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=99999999999999999999-", "bytes=-0"])
def test_a_range_behind_the_end_is_refused(app: Hub, asked: str) -> None:
    with pytest.raises(RangeNotSatisfiable) as refusal:
        send(app, Range=asked)
    assert refusal.value.headers == {"Content-Range": "bytes */10"}
    assert refusal.value.status == 416


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,4-5", "bytes=0-1, 99-", "bytes=5-2", "bytes=-", "bytes=a-b", "bytes", "lines=0-1", "", "0-1"]
)
def test_everything_else_is_the_whole(app: Hub, asked: str) -> None:
    answer = send(app, Range=asked)
    assert (answer.status, answer.body) == (200, CONTENT)
    assert "Content-Range" not in answer.headers
    assert answer.headers["Accept-Ranges"] == "bytes"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (f'"{TAG}"', 206),
        (MODIFIED, 206),
        (f'W/"{TAG}"', 200),
        ('"another"', 200),
        (TAG, 200),
        ("Sun, 01 Feb 2026 11:59:59 GMT", 200),
        ("Sun, 01 Feb 2026 12:00:01 GMT", 200),
    ],
)
def test_a_range_needs_exactly_this_file(app: Hub, condition: str, status: int) -> None:
    answer = send(app, Range="bytes=0-3", If_Range=condition)
    assert answer.status == status
    assert answer.body == (CONTENT[:4] if status == 206 else CONTENT)


def test_a_copy_that_is_current_is_not_sent_again(app: Hub) -> None:
    assert send(app, Range="bytes=0-3", If_None_Match=f'"{TAG}"').status == 304
    assert send(app, Range="bytes=99-", If_None_Match=f'W/"{TAG}"').status == 304
    assert send(app, Range="bytes=0-3", If_None_Match='"another"').status == 206


def test_head_describes_the_whole(app: Hub) -> None:
    answer = send(app, method="HEAD", Range="bytes=0-3")
    assert (answer.status, answer.headers["Content-Length"]) == (200, "10")
