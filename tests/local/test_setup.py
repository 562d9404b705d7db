"""Set-up script: missing Python or libraries, unknown arguments, and the second run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.processes import ROOT

TOOLS = ("sh", "cat", "cksum", "dirname", "id", "mktemp", "rm", "setpriv", "tail")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout and a PATH with few tools: no apt-get, no sudo."""
    (tmp_path / "app/local").mkdir(parents=True)
    shutil.copy(ROOT / "app/local/setup.sh", tmp_path / "app/local")
    for lock in ("requirements.txt", "requirements-official.txt"):
        (tmp_path / lock).touch()
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    return tmp_path


def set_up(checkout: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", str(checkout / "app/local/setup.sh"), *arguments],
        env={"PATH": str(checkout / "bin"), "HOME": str(checkout), **environment},
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def with_python(checkout: Path) -> Path:
    """Add the base Python to the PATH; the one of a virtual environment would not work."""
    base = getattr(sys, "_base_executable", sys.executable)
    launcher = checkout / "bin/python3"
    launcher.write_text(f'#!/bin/sh\nexec {base} "$@"\n')
    launcher.chmod(0o755)
    return checkout


def with_library(checkout: Path, name: str, variable: str) -> Path:
    """Change the list of required libraries in the script."""
    script = checkout / "app/local/setup.sh"
    lines = script.read_text().splitlines()
    changed = [f'{variable}="{name}"' if line.startswith(f"{variable}=") else line for line in lines]
    script.write_text("\n".join(changed) + "\n")
    return checkout


def with_assets(checkout: Path) -> Path:
    """Replace npm and the copying of its packages; the registry is not part of these tests."""
    for tool in ("node", "npm"):
        (checkout / "bin" / tool).write_text("#!/bin/sh\n")
        (checkout / "bin" / tool).chmod(0o755)
    (checkout / "app/admin").mkdir()
    copies = "import pathlib\npathlib.Path('app/admin/static/vendor').mkdir(parents=True, exist_ok=True)\n"
    (checkout / "app/admin/vendor_assets.py").write_text(copies)
    return checkout


class TestMissing:
    def test_python_stops_with_the_command_to_install_it(self, checkout: Path) -> None:
        completed = set_up(checkout)
        assert completed.returncode == 1
        line = "setup: Python 3.11 to 3.14 is needed. Type: sudo apt-get install -y python3 python3-venv\n"
        assert completed.stderr == line

    def test_library_stops_with_the_command_to_install_it(self, checkout: Path) -> None:
        with_library(with_python(checkout), "libnowhere.so.0:libnowhere0", "NEEDED_LIBRARIES")
        with_library(with_library(checkout, "", "FAST_LIBRARIES"), "", "FONTS")
        completed = set_up(checkout)
        assert completed.returncode == 1
        line = "setup: libraries for the PDFs are missing. Type: sudo apt-get install -y libnowhere0 \n"
        assert completed.stderr == line

    @pytest.mark.drill
    def test_optional_library_is_a_warning(self, checkout: Path) -> None:
        with_library(with_assets(with_python(checkout)), "libnowhere.so.0:libnowhere0", "FAST_LIBRARIES")
        with_library(with_library(checkout, "", "NEEDED_LIBRARIES"), "41:fonts-known 995,5377:fonts-nowhere", "FONTS")
        (checkout / "bin/fc-list").write_text('#!/bin/sh\n[ "$1" = :charset=5377 ] || echo a font\n')
        (checkout / "bin/fc-list").chmod(0o755)
        completed = set_up(checkout)
        warning = "setup: warning: PDFs will be slow. For speed type: sudo apt-get install -y libnowhere0 \n"
        assert warning in completed.stderr
        assert "emoji … will fail. Type: sudo apt-get install -y fonts-nowhere \n" in completed.stderr
        # This requirements.txt is empty, so the import check fails at the end.
        assert "No module named 'weasyprint'" in completed.stderr
        assert "setup: loading WeasyPrint and its libraries failed" in completed.stderr
        assert completed.returncode == 1


def test_an_unknown_argument_is_refused(checkout: Path) -> None:
    assert "'run' or 'dev', not 'all'" in set_up(checkout, "all").stderr


@pytest.mark.drill
def test_a_second_run_does_nothing_until_the_lock_file_changes(checkout: Path) -> None:
    for variable in ("NEEDED_LIBRARIES", "FAST_LIBRARIES", "FONTS"):
        with_library(with_python(checkout), "", variable)
    # A module of that name in the working folder passes the import check.
    (checkout / "weasyprint.py").touch()
    with_assets(checkout)
    first = set_up(checkout)
    assert (first.returncode, "installing the packages" in first.stderr) == (0, True), first.stderr
    assert set_up(checkout).stderr == ""
    for lock in ("requirements.txt", "requirements-official.txt", "package-lock.json"):
        (checkout / lock).write_text("# changed\n")
        assert "installing the packages" in set_up(checkout).stderr
    shutil.rmtree(checkout / "app/admin/static/vendor")
    assert "fetching the styles and scripts" in set_up(checkout).stderr


def test_translations_are_compiled_whenever_they_changed(checkout: Path) -> None:
    for part in (
        "__init__.py",
        "languages.py",
        "admin/__init__.py",
        "admin/i18n/__init__.py",
        "admin/i18n/catalogs.py",
    ):
        (checkout / "app" / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "app" / part, checkout / "app" / part)
    texts = checkout / "app/admin/translations/tr/LC_MESSAGES/messages.po"
    texts.parent.mkdir(parents=True)
    (checkout / "app/admin/static/vendor").mkdir(parents=True)
    texts.write_text('msgid "Save"\nmsgstr "Kaydet"\n')
    (checkout / ".venv/bin").mkdir(parents=True)
    (checkout / ".venv/bin/python").symlink_to(sys.executable)
    stamp = "cat requirements.txt app/local/setup.sh | cksum >.venv/.ready-run"
    subprocess.run(["sh", "-c", stamp], cwd=checkout, check=True)
    libraries = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    for turkish in ("Kaydet", "Sakla"):
        done = set_up(checkout, PYTHONPATH=libraries)
        assert (done.returncode, done.stderr) == (0, "")
        assert turkish.encode() in texts.with_suffix(".mo").read_bytes()
        texts.write_text('msgid "Save"\nmsgstr "Sakla"\n')
        os.utime(texts, (time.time() + 1, time.time() + 1))


def test_the_makefile_lists_every_target() -> None:
    listed = subprocess.run(["make", "-s"], cwd=ROOT, env=dict(os.environ), check=True, capture_output=True, text=True)
    targets = {line.split()[1] for line in listed.stdout.splitlines()}
    expected = "run test drill check format words lock sbom audit bench clean help"
    assert set(expected.split()) == targets
