"""Migrations and bootstrap in one process: loading the application twice would cost seconds of each start."""

from __future__ import annotations

import sys

from flask.cli import FlaskGroup

from app.local.console import print_line
from wsgi import app

STEPS = (("db", "upgrade"), ("local", "bootstrap"))


def main() -> None:
    """Run each command as ``flask`` would; the first that fails ends the process with its exit code."""
    flask = FlaskGroup(create_app=lambda: app)
    for step in STEPS:
        try:
            flask.main(list(step), prog_name="flask")
        except SystemExit as end:
            if end.code:
                print_line(f"flask {' '.join(step)} failed.")
                sys.exit(end.code)


if __name__ == "__main__":
    main()
