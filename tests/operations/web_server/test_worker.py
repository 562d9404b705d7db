"""The web worker: what it makes of a request's body, and the number of files that it may open."""

from __future__ import annotations

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


@pytest.mark.parametrize(("most", "allowed"), [(900, 800), (700, 700)])
def test_a_process_may_open_a_file_for_each_connection(most: int, allowed: int) -> None:
    program = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (300, {most}))\n"
        "from app.operations.web_server.worker import allow_files; allow_files(800); allow_files(400)\n"
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    assert subprocess.check_output([sys.executable, "-c", program], text=True) == f"{allowed} {most}\n"
