"""Checks before the start: free ports, a writable data folder with free space, and exclusive use of it."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.local.errors import LocalRunError

MIN_FREE_BYTES = 200 * 1024 * 1024


def is_free(host: str, port: int) -> bool:
    """Whether a server can listen on this address and port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        # The servers set it too; without it, connections of an earlier run in TIME_WAIT would count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise LocalRunError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    return True


def require_port(host: str, port: int) -> None:
    """Refuse a port that is in use.

    Raises:
        LocalRunError: the port is in use; the message suggests another one.
    """
    if not is_free(host, port):
        raise LocalRunError(f"Port {port} is in use. Start on another one: PORT={port + 1} make run")


def side_port(name: str, wanted: int, *, given: bool) -> int:
    """Port of a process beside the web: the wanted one, or any free one unless the user gave the port in ``name``.

    Raises:
        LocalRunError: the given port is in use.
    """
    if is_free("127.0.0.1", wanted):
        return wanted
    if given:
        raise LocalRunError(f"{name} {wanted} is in use; choose another one.")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare_data_dir(data_dir: Path) -> None:
    """Create the data folder; refuse one that is not writable or has too little space.

    Raises:
        LocalRunError: the message names the folder.
    """
    try:
        if not data_dir.is_dir():
            data_dir.mkdir(parents=True)
            data_dir.chmod(0o711)  # PostgreSQL's own user must be able to enter; the files inside are private
        free = shutil.disk_usage(data_dir).free
    except OSError as error:
        raise LocalRunError(f"DATA_DIR {data_dir} cannot be created: {error.strerror}.") from error
    if not os.access(data_dir, os.W_OK | os.X_OK):
        raise LocalRunError(f"DATA_DIR {data_dir} cannot be written to; choose another one.")
    if free < MIN_FREE_BYTES:
        raise LocalRunError(
            f"The disk of DATA_DIR {data_dir} is full: {free // 2**20} MB are free, "
            f"{MIN_FREE_BYTES // 2**20} MB are needed."
        )


@contextmanager
def exclusive_use(data_dir: Path) -> Iterator[None]:
    """Lock the data folder; the kernel releases the lock whenever the launcher ends, even by SIGKILL.

    Raises:
        LocalRunError: another launcher holds the lock.
    """
    with (data_dir / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise LocalRunError(
                f"A hub runs on {data_dir} already (process {lock.read().strip()}). "
                "Stop it, or choose another DATA_DIR."
            ) from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
