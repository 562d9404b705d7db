"""Migrations, seed data and the demo's provider account in one process.

Loading the application for each would cost seconds at every start.
"""

from __future__ import annotations

import os
import sys

from flask.cli import FlaskGroup

from app.local.console import print_line
from app.local.first_steps import first_steps
from wsgi import app


def main() -> None:
    """Run each ``flask`` command; the first failure ends the process with its exit code."""
    flask = FlaskGroup(create_app=lambda: app)
    for step in first_steps(os.environ):
        try:
            flask.main(list(step), prog_name="flask")
        except SystemExit as exit_request:
            if exit_request.code:
                print_line(f"flask {' '.join(step)} failed.")
                sys.exit(exit_request.code)


if __name__ == "__main__":
    main()
