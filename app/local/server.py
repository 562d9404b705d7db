"""What the embedded servers have in common: a child with a log, a start that waits, a clean stop."""

from __future__ import annotations

import subprocess
import time
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from app.local.child_processes import Escalation, describe_exit, stop
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
        self._log_begins = 0

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The running server."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started.")
        return self._process

    def start(self) -> None:
        """Start and wait until the server answers; what an earlier run left behind is cleared away.

        Raises:
            LocalRunError: it did not come up; one line says why and where its log is.
        """
        try:
            self._process = self._launch()
            self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop in an orderly way, within seconds; harmless when nothing runs."""
        if self._process is not None:
            stop(self._process, self.ending)
        self._process = None

    @abstractmethod
    def _launch(self) -> subprocess.Popen[bytes]:
        """Prepare the folder and start the child."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether the server serves already."""

    def last_words(self) -> str:
        """The line of this start's log that most likely names the cause, and where the rest stands."""
        with self.log.open("rb") as file:
            file.seek(self._log_begins)
            lines = file.read().decode(errors="replace").splitlines()
        grave = [line for line in lines if any(word in line for word in _ERROR_MARKS) and _HARMLESS_MARK not in line]
        said = (grave or lines or ["it said nothing"])[-1].strip()
        return f"{said} (log: {self.log})"

    def _open_log(self) -> int:
        """Begin a new part of the log; an overgrown one is set aside once."""
        if self.log.exists() and self.log.stat().st_size > _MAX_LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        self._log_begins = self.log.stat().st_size if self.log.exists() else 0
        return self._log_begins

    def _wait(self) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not self._answers():
            if (code := self.process.poll()) is not None:
                raise LocalRunError(f"{self.name} {describe_exit(code)}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise LocalRunError(
                    f"{self.name} did not answer within {self.start_seconds:.0f} s: {self.last_words()}"
                )
            time.sleep(_POLL_SECONDS)
