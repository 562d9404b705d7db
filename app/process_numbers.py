"""Numbers of the environment that are read before the application is imported; only the standard library is used."""

from __future__ import annotations

import os
import sys

PORTS = range(1, 65536)
#: The open streams of a web process that can be allowed.
STREAMS = range(1, 100_001)
#: Web processes that gunicorn starts.
PROCESSES = range(1, 1001)
#: gunicorn's master ends at this code instead of starting the process again.
EXIT_CODE = 4


def parse_number(text: str, allowed: range) -> int | None:
    """The whole number in ``text``; None if it is none or is not allowed."""
    is_number = text.isascii() and text.isdigit() and len(text) <= len(str(allowed[-1]))
    return int(text) if is_number and int(text) in allowed else None


def read_number(name: str, default: int, allowed: range) -> int:
    """The number of a variable; a blank one is the default, a wrong one ends the process with a message."""
    text = os.environ.get(name, "").strip()
    number = parse_number(text, allowed) if text else default
    if number is None:
        message = f"{name}: Expected a whole number from {allowed[0]} to {allowed[-1]}."
        sys.stderr.write(f"Invoice Hub cannot start:\n{message}\n")
        sys.exit(EXIT_CODE)
    return number
