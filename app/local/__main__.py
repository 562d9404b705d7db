"""``python -m app.local``: the door that ``make run`` goes through."""

from __future__ import annotations

import os
import sys

from app.local.launcher import launch

sys.exit(launch(os.environ))
