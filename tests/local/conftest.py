"""Fixtures of the local run: a folder for servers, and default handling of SIGHUP."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def server_dir() -> Iterator[Path]:
    """A folder that PostgreSQL's own user can enter; ``tmp_path`` of pytest under root is closed to that user."""
    with tempfile.TemporaryDirectory(prefix="ihub-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(autouse=True)
def _default_sighup() -> Iterator[None]:
    """Restore the default action of SIGHUP, which children of a ``nohup`` would inherit as ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
