"""The web application as gunicorn and ``flask --app wsgi`` find it."""

from __future__ import annotations

import os
import sys

# Where processes count for the metrics; counting begins while the application is loaded.
if _metrics := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.makedirs(_metrics, exist_ok=True)  # noqa: PTH103

from app import create_app
from app.config import ConfigurationError

try:
    app = create_app()
except ConfigurationError as error:
    # 4 is the code by which gunicorn's master knows that a worker failed to load and does not try for ever.
    sys.stderr.write(f"Invoice Hub cannot start:\n{error}\n")
    sys.exit(4)
