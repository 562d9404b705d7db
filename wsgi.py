"""The web application as gunicorn and ``flask --app wsgi`` find it."""

from __future__ import annotations

import gc
import os
import sys

# Nothing that is loaded becomes garbage: looking for some, again and again, would take a third of the time.
gc.disable()

# Where processes count for the metrics; counting begins while the application is loaded.
if _metrics := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.makedirs(_metrics, exist_ok=True)  # noqa: PTH103

from app.config import ConfigurationError  # noqa: E402
from app.factory import create_app  # noqa: E402

try:
    app = create_app()
except ConfigurationError as error:
    # 4 is the code by which gunicorn's master knows that a worker failed to load and does not try for ever.
    sys.stderr.write(f"Invoice Hub cannot start:\n{error}\n")
    sys.exit(4)

# What is loaded stays to the end, and is not looked through any more.
gc.freeze()
gc.enable()
