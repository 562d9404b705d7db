"""``python -m app.local.children.fork_server``: loads the application once, and forks processes that use it.

Forked processes share the memory of what was loaded, and start at once. ``spawner.py`` is the client; its channel is
the standard input. A request is a JSON list, a module and its arguments, and carries the file for the output. Answers
are ``{"pid": …}``, and ``{"pid": …, "code": …}`` when that process has ended.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys

import cffi
from setproctitle import setproctitle

import celery_worker
from app.local.children.spawner import MAX_MESSAGE

_PR_SET_PDEATHSIG = 1
#: Modules that Celery loads when a worker or beat starts.
_MODULES_OF_CELERY = (
    "app.kernel.worker.consumer",
    "app.kernel.worker.scheduler",
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.celery",
    "celery.concurrency.prefork",
    "celery.worker.autoscale",
    "celery.worker.components",
    "celery.worker.consumer.delayed_delivery",
    "celery.worker.strategy",
    "kombu.transport.redis",
)
#: Parts of the Celery application that it makes at their first use.
_PARTS_OF_CELERY = ("amqp", "control", "events", "log")


def main() -> None:
    """Load everything and serve; in a forked process, run the requested module as a program."""
    for name in _MODULES_OF_CELERY:
        importlib.import_module(name)
    celery_worker.celery.finalize(auto=True)
    for part in _PARTS_OF_CELERY:
        getattr(celery_worker.celery, part)
    cffi.FFI().cdef("int prctl(int option, ...);")  # the first one makes the parser, and each worker process needs one
    # Forked processes share what the garbage collector never looks at.
    gc.collect()
    gc.freeze()
    request = _serve(socket.socket(fileno=os.dup(0)))
    if request is not None:
        module, *arguments = request
        setproctitle(" ".join(request))
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


def _serve(channel: socket.socket) -> list[str] | None:
    """Fork a process for each request.

    Returns:
        In a forked process: its request. In the server: None, when the client has closed the channel.
    """
    server = os.getpid()
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with channel, reader, writer:
        while True:
            ready, _, _ = select.select([channel, reader], [], [])
            if reader in ready:
                reader.recv(MAX_MESSAGE)
                _report_ended(channel)
            if channel in ready:
                message, files, _, _ = socket.recv_fds(channel, MAX_MESSAGE, 1)
                if not message:
                    return None
                if (pid := os.fork()) == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    _detach(files[0], server)
                    request: list[str] = json.loads(message)
                    return request
                os.close(files[0])
                channel.send(json.dumps({"pid": pid}).encode())


def _report_ended(channel: socket.socket) -> None:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:  # no process is left
            return
        if pid == 0:
            return
        channel.send(json.dumps({"pid": pid, "code": os.waitstatus_to_exitcode(status)}).encode())


def _detach(output: int, server: int) -> None:
    """Give this process a session and an output of its own; the kernel kills it when the server ends."""
    os.setsid()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it ended before the signal was set
        os.kill(os.getpid(), signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)


if __name__ == "__main__":
    main()
