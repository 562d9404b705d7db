"""Temporary embedded servers for tests and benchmarks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.local.servers.postgres import Postgres
from app.local.servers.valkey import Valkey


@contextmanager
def temporary_servers(settings: Mapping[str, str] | None = None) -> Iterator[tuple[Postgres, Valkey]]:
    """Run both servers, empty, for a test run or a benchmark, and delete them afterwards.

    Args:
        settings: as for ``Postgres``.
    """
    with tempfile.TemporaryDirectory(prefix="ihub-", dir="/tmp") as folder, ExitStack() as stack:
        Path(folder).chmod(0o711)  # PostgreSQL's own user must be able to enter
        postgres, valkey = Postgres(Path(folder) / "postgres", settings), Valkey(Path(folder) / "valkey")
        for server in (postgres, valkey):
            server.start()
            stack.callback(server.stop)
        yield postgres, valkey
