"""Fixtures of the stream tests: a broadcaster that begins at position 0, and readers that are closed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask.testing import FlaskClient

from app.kernel.http.app import Hub
from app.stream.broadcaster import broadcaster
from tests.stream.readers import SALES_STREAM, Reader, wait_until_caught_up


@pytest.fixture(autouse=True)
def _reset_head(app: Hub) -> None:
    """Positions begin with 1 in the database of each test."""
    broadcaster._head = 0


@pytest.fixture
def listen() -> Iterator[Callable[..., Reader]]:
    """Open a stream and read it; all streams are closed after the test."""
    readers: list[Reader] = []

    def start(client: FlaskClient, path: str = SALES_STREAM, **options: object) -> Reader:
        wait_until_caught_up()
        readers.append(Reader(client.get(path, buffered=False, **options)))  # type: ignore[arg-type]
        return readers[-1]

    yield start
    for reader in readers:
        reader.answer.close()
