"""Output of the launcher on the terminal."""

from __future__ import annotations

from contextlib import suppress


def print_line(line: str) -> None:
    """Print one line with the prefix ``hub:`` at once."""
    with suppress(OSError):  # the terminal was closed; the shutdown must continue
        print(f"hub: {line}", flush=True)
