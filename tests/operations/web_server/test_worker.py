"""The web worker: what it makes of a request's body, and the number of files that it may open."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from gunicorn.http.errors import InvalidChunkSize

from app.operations.web_server.worker import _Body


class Malformed:
    failed = False

    def read(self, _size: int | None) -> bytes:
        raise InvalidChunkSize(b"zz")


def test_a_malformed_chunk_is_an_error_of_the_connection() -> None:
    with pytest.raises(OSError, match="Invalid chunk size"):
        _Body(Malformed()).read(1)


@pytest.mark.slow
def test_streams_do_not_take_the_files_of_connections() -> None:
    """An open stream is no connection of gunicorn's any more, so both kinds may be open at the same time."""
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, 4000))\n"
        "from app.operations import gunicorn\n"
        "print(gunicorn.worker_connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    environment = {**os.environ, "STREAMS_PER_PROCESS": "100"}
    connections, files = map(int, subprocess.check_output([sys.executable, "-c", program], env=environment).split())
    assert connections == 1600
    assert files == connections + 100 + 1000


@pytest.mark.parametrize(("most", "allowed"), [(900, 800), (700, 700)])
def test_a_process_may_open_a_file_for_each_connection(most: int, allowed: int) -> None:
    program = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, {most}))\n"
        "from app.operations.web_server.worker import allow_files; allow_files(800); allow_files(400)\n"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == f"{allowed} {most}\n"
