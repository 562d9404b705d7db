"""How the launcher talks to the person at the terminal: plain lines, at once."""

from __future__ import annotations

from contextlib import suppress


def print_line(line: str) -> None:
    """Print one line of the launcher's own."""
    with suppress(OSError):  # the terminal is gone: nobody is left to tell, and the stop must go on
        print(f"hub: {line}", flush=True)
