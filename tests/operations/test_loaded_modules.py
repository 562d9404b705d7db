"""What a web process loads: nothing that only workers and children of it use."""

from __future__ import annotations

import subprocess
import sys

#: Libraries of printing, workbooks and PDFs: megabytes in each process, and WeasyPrint's C libraries beside gevent made
#: web processes wait for their children without an end.
FOREIGN = {"PIL", "factur_x", "fontTools", "openpyxl", "pydyf", "pypdf", "saxonche", "weasyprint"}


def test_the_application_loads_no_library_of_printing_or_of_workbooks() -> None:
    code = "import sys; import app.factory; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert FOREIGN & set(loaded.stdout.split()) == set()
