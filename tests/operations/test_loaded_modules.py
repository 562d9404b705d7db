"""What every program loads: nothing that only some workers, commands and child processes use."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Libraries of printing, workbooks, PDFs and migrations: megabytes in each process, and WeasyPrint's C libraries beside
#: gevent made web processes wait for their children without an end.
FOREIGN = {
    "PIL",
    "alembic",
    "factur_x",
    "flask_migrate",
    "fontTools",
    "openpyxl",
    "pydyf",
    "pypdf",
    "saxonche",
    "weasyprint",
}


@pytest.mark.slow
def test_the_application_loads_no_library_that_only_some_programs_use() -> None:
    code = "import sys; import app.factory; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert FOREIGN & set(loaded.stdout.split()) == set()
