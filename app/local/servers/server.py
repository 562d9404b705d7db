"""Base class of the embedded servers: child process, log file, start with readiness check, orderly stop."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from app.local.children.child_processes import Escalation, describe_exit, stop
from app.local.errors import LocalRunError

_POLL_SECONDS = 0.02
_ERROR_MARKS = ("PANIC", "FATAL", "Fatal", "Failed")
_HARMLESS_MARK = "starting up"
_MAX_LOG_BYTES = 5 * 1024 * 1024


class Server(ABC):
    """One embedded server: ``start()``, then ``url``, then ``stop()``."""

    name: ClassVar[str]
    start_seconds: ClassVar[float]
    ending: ClassVar[Escalation]

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.url = ""
        self.log = data_dir / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._log_offset = 0

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started.")
        return self._process

    def start(self) -> None:
        """Start the server and wait until it is ready; remains of an earlier run are removed.

        Raises:
            LocalRunError: it did not start; the message has the cause and the path of the log.
        """
        try:
            self._process = self._launch()
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server within seconds; nothing happens when it does not run."""
        if self._process is not None:
            stop(self._process, self.ending)
        self._process = None

    @abstractmethod
    def _launch(self) -> subprocess.Popen[bytes]:
        """Prepare the folder and start the child."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Whether the server accepts connections."""

    def last_error(self) -> str:
        """The log line of this start that most likely names the cause, and the path of the log."""
        with self.log.open("rb") as file:
            file.seek(self._log_offset)
            lines = file.read().decode(errors="replace").splitlines()
        errors = [line for line in lines if any(mark in line for mark in _ERROR_MARKS) and _HARMLESS_MARK not in line]
        cause = (errors or lines or ["no output"])[-1].strip()
        return f"{cause} (log: {self.log})"

    def _open_log(self) -> None:
        """Remember where the log of this start begins; a log over the maximum size is renamed first."""
        if self.log.exists() and self.log.stat().st_size > _MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._log_offset = self.log.stat().st_size if self.log.exists() else 0

    def _wait(self) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not self._is_ready():
            if (code := self.process.poll()) is not None:
                raise LocalRunError(f"{self.name} {describe_exit(code)}: {self.last_error()}")
            if time.monotonic() > deadline:
                raise LocalRunError(
                    f"{self.name} did not answer within {self.start_seconds:.0f} s: {self.last_error()}"
                )
            time.sleep(_POLL_SECONDS)
