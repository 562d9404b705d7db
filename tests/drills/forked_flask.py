"""``flask`` commands without the seconds in which each one loads the application: forked from a process that did.

A server loads the application. A client, a small program in place of ``flask``, hands it the command, the working
directory, the environment and the three streams; a fork of the server runs the command and answers its exit code.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_CLIENT = """#!/bin/sh
case "$*" in *"users create"*) set -- "$@" --password "correct horse battery staple" ;; esac
exec {python} -I -S {program} client {address} "$@"
"""


@contextmanager
def forked_flask(address: Path) -> Iterator[str]:
    """Run a server at a path for its socket; yield the text of a program to be called as ``flask``."""
    command = [sys.executable, "-m", "tests.drills.forked_flask", "serve", str(address)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        assert server.stdout.readline() == "ready\n"
        try:
            words = {"python": sys.executable, "program": __file__, "address": str(address)}
            yield _CLIENT.format(**{name: shlex.quote(word) for name, word in words.items()})
        finally:
            server.kill()


def _serve(address: str) -> None:
    import app.factory  # noqa: F401, PLC0415 - the client must start quickly

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets the forks that ended
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(address)
        listener.listen()
        print("ready", flush=True)
        while True:
            connection, _ = listener.accept()
            with connection:
                if os.fork() == 0:
                    listener.close()
                    _run(connection)


def _run(connection: socket.socket) -> None:
    """Run the command of a client in this fork, and end."""
    from flask.cli import main  # noqa: PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    size = int.from_bytes(connection.recv(4, socket.MSG_WAITALL))
    message, streams, *_ = socket.recv_fds(connection, size, 3, socket.MSG_WAITALL)
    arguments, folder, environment = json.loads(message)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["flask", *arguments]
    code = 1
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(bool(ended.code))
    except BaseException:  # noqa: BLE001 - it is printed, as the interpreter does
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(bytes([code]))
        os._exit(code)


def _call(address: str, arguments: list[str]) -> int:
    """Let the server run a command, and return its exit code."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(address)
        message = json.dumps([arguments, str(Path.cwd()), dict(os.environ)]).encode()
        connection.sendall(len(message).to_bytes(4))
        socket.send_fds(connection, [message], [0, 1, 2])
        code = connection.recv(1)
    return code[0] if code else 128 + signal.SIGKILL


if __name__ == "__main__":
    if sys.argv[1] == "client":
        sys.exit(_call(sys.argv[2], sys.argv[3:]))
    _serve(sys.argv[2])
