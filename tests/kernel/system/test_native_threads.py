"""Native threads: in a gevent process other requests go on, and no more computations wait than allowed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app.kernel.system.native_threads import NativeThreads

#: Counts the turns of another greenlet while passwords are checked, and the refusals when too many wait.
IN_GEVENT = """
from gevent import monkey; monkey.patch_all()
import gevent, time
from app.accounts.login import passwords
from app.kernel.errors import Busy
from app.kernel.system.native_threads import NativeThreads
passwords._threads = NativeThreads(threads=1, waiting=2)
stored = passwords.hash_password("right")
turns, refused, right = 0, 0, []
def tick():
    global turns
    while True:
        gevent.sleep(0.001)
        turns += 1
def check(password):
    global refused
    try:
        right.append(passwords.verify_password(stored, password))
    except Busy:
        refused += 1
ticker = gevent.spawn(tick)
gevent.joinall([gevent.spawn(check, password) for password in ("right", "wrong", "right", "right", "right")])
print(turns > 10, refused, sorted(right))
"""


@pytest.mark.slow
def test_other_requests_go_on_while_a_password_is_checked() -> None:
    done = subprocess.run([sys.executable, "-c", IN_GEVENT], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split("\n")[0] == "True 2 [False, True, True]"
    assert "Traceback" not in done.stderr


def test_another_process_computes_at_once() -> None:
    assert NativeThreads(threads=1, waiting=0).run(pow, 2, 10) == 1024
