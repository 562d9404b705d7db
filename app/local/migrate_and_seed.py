"""Migrations and seed data in one process, because loading the application twice would cost seconds per start."""

from __future__ import annotations

import sys

from flask.cli import FlaskGroup

from app.local.console import print_line
from wsgi import app

STEPS = (("db", "upgrade"), ("local", "bootstrap"))


def main() -> None:
    """Run each ``flask`` command; the first failure ends the process with its exit code."""
    flask = FlaskGroup(create_app=lambda: app)
    for step in STEPS:
        try:
            flask.main(list(step), prog_name="flask")
        except SystemExit as exit_request:
            if exit_request.code:
                print_line(f"flask {' '.join(step)} failed.")
                sys.exit(exit_request.code)


if __name__ == "__main__":
    main()
