"""The web application as gunicorn and ``flask --app wsgi`` find it."""

from __future__ import annotations

import sys

from app import create_app
from app.config import ConfigurationError

try:
    app = create_app()
except ConfigurationError as error:
    # 4 is the code by which gunicorn's master knows that a worker failed to load and does not try for ever.
    sys.stderr.write(f"Invoice Hub cannot start:\n{error}\n")
    sys.exit(4)
