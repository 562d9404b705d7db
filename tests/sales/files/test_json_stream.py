"""Splitters of JSON arrays and NDJSON: any text in any blocks, and a time that grows with the length alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.sales.files import json_stream

MIB = 1024 * 1024
#: A body that arrives in small pieces, as from a slow client.
SMALL = 4096


def in_blocks(text: bytes, size: int) -> Iterator[bytes]:
    return (text[start : start + size] for start in range(0, len(text), size))


@pytest.mark.slow
@settings(deadline=None, max_examples=40)  # each took 56 ms
@given(
    st.lists(
        st.dictionaries(
            st.text(max_size=5),
            st.recursive(
                st.text(max_size=8) | st.integers(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner),
                max_leaves=4,
            ),
        ),
        max_size=6,
    ),
    st.integers(1, 9),
    st.booleans(),
)
def test_any_array_in_any_blocks(values: list[Any], size: int, ascii_only: bool) -> None:
    text = json.dumps(values, ensure_ascii=ascii_only, indent=len(values) % 3 or None).encode()
    assert [json.loads(element) for element in json_stream.elements(in_blocks(text, size))] == values


@settings(deadline=None)
@given(st.text(alphabet='[]{}",:\\ a1\n\ufeff', max_size=30), st.integers(1, 30))
def test_no_text_is_accepted_that_is_no_array(text: str, size: int) -> None:
    try:
        found = [json.loads(element) for element in json_stream.elements(in_blocks(text.encode(), size))]
    except (json_stream.Broken, ValueError):
        return
    assert found == json.loads(text.strip("\ufeff \n"))


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab \r", max_size=9), max_size=9), st.integers(1, 9))
def test_lines_in_any_blocks(lines: list[str], size: int) -> None:
    found = list(json_stream.lines(in_blocks("\n".join(lines).encode(), size)))
    assert found == [line.encode() for line in lines if line.strip()]


@pytest.mark.parametrize(
    ("split", "text"),
    [
        (json_stream.lines, b"x" * 9 * MIB),
        (json_stream.elements, b'[{"remarks":"' + b"x" * 9 * MIB + b'"}]'),
        (json_stream.elements, b'[{"n":' + b"1" * 9 * MIB + b"}]"),
    ],
    ids=["line", "string", "number"],
)
def test_an_invoice_that_is_too_long_is_refused(split: Callable[..., Iterator[bytes]], text: bytes) -> None:
    with pytest.raises(json_stream.Broken):
        list(split(in_blocks(text, 64 * 1024)))


@pytest.mark.parametrize("text", [b'""', b'["a","b"]', b'[{}]"a"', b'["a'])
def test_a_string_outside_of_an_invoice_ends_the_reading_at_once(text: bytes) -> None:
    """32 MiB of quotation marks took a web process 5 s."""
    after = iter([b'"' * SMALL] * 2)
    with pytest.raises(json_stream.Broken):
        list(json_stream.elements(chain([text], after)))
    assert len(list(after)) == 2


def seconds(split: Callable[[Iterable[bytes]], Iterator[bytes]], text: bytes) -> float:
    """The least processor time of three runs."""
    times = []
    for _ in range(3):
        started = time.process_time()
        assert sum(map(len, split(in_blocks(text, SMALL)))) > 0
        times.append(time.process_time() - started)
    return min(times)


@pytest.mark.parametrize(
    ("split", "size", "begin", "part", "end"),
    [
        (json_stream.lines, 3 * MIB, b"", b"x" * 16, b"\n"),
        (json_stream.elements, 3 * MIB, b'[{"a":"', b"x" * 16, b'"}]'),
        (json_stream.elements, 3 * MIB, b'[{"a":"', b'\\\\\\"' * 4, b'"}]'),
        (json_stream.elements, 3 * MIB, b'[{"a":', b"1" * 16, b"}]"),
        (json_stream.elements, MIB // 2, b'[{"a":[0', b',{"b":"c{"},[],', b"0]}]"),
        (json_stream.elements, 3 * MIB, b"[", b" " * 16, b"{}]"),
    ],
    ids=["line", "string", "escapes", "number", "nested", "blanks"],
)
def test_twice_the_text_takes_twice_the_time(
    split: Callable[[Iterable[bytes]], Iterator[bytes]], size: int, begin: bytes, part: bytes, end: bytes
) -> None:
    """Not four times: a string of 8 MiB took a web process 18 s when each block was read from its beginning."""
    count = size // len(part)
    once, twice = (begin + part * number + end for number in (count, 2 * count))
    assert seconds(split, twice) < 3 * seconds(split, once) + 0.01
