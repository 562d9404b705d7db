"""Temporary servers of tests and benchmarks."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from app.local.servers.temporary import temporary_servers
from tests.local.servers.helpers import QUICK, has_ended, query


@pytest.mark.slow
def test_temporary_servers_delete_their_files() -> None:
    with temporary_servers(QUICK) as (postgres, valkey):
        assert query(postgres, "SELECT 1") == "1"
        pids = postgres.process.pid, valkey.process.pid
        folder = postgres.data_dir.parent
    assert all(has_ended(pid) for pid in pids)
    assert not folder.exists()
    assert not list(Path(tempfile.gettempdir()).glob(f"{folder.name}*"))
