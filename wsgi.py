"""The WSGI application, for gunicorn and ``flask --app wsgi``."""

from __future__ import annotations

import gc
import os
import sys

# Imported objects never become garbage; collecting during the import would take a third of its time.
gc.disable()

# Folder of the metrics of all processes; it must exist before the application is imported.
if _metrics := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    os.makedirs(_metrics, exist_ok=True)  # noqa: PTH103

from sqlalchemy.orm import configure_mappers  # noqa: E402

from app.config import ConfigurationError  # noqa: E402
from app.factory import create_app  # noqa: E402

try:
    app = create_app()
except ConfigurationError as error:
    # With exit code 4 gunicorn's master stops instead of restarting the worker for ever.
    sys.stderr.write(f"Invoice Hub cannot start:\n{error}\n")
    sys.exit(4)

# Relationships are connected here, and not at the first query of each process.
configure_mappers()
# Exclude the loaded objects from garbage collection.
gc.freeze()
gc.enable()
