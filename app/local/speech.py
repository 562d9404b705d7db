"""How the launcher talks to the person at the terminal: plain lines, at once."""

from __future__ import annotations


def say(line: str) -> None:
    """Print one line of the launcher's own."""
    print(f"hub: {line}", flush=True)
