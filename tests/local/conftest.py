"""Ground for servers and launchers, and helpers that look at processes from outside."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that PostgreSQL's own user may pass through, which pytest's ``tmp_path`` of root is not."""
    with tempfile.TemporaryDirectory(prefix="ihub-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(autouse=True)
def _hangups_end_programs() -> Iterator[None]:
    """What is started here must not inherit deafness to SIGHUP from a ``nohup`` around the tests."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
