"""``python -m app.local``: entry point of ``make run``."""

from __future__ import annotations

import os
import sys

from app.local.launcher import launch

sys.exit(launch(os.environ))
