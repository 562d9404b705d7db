"""Time stamps in a package: those of the month, and what the verifier says about each change of one."""

from __future__ import annotations

import hashlib
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.evidence import roots, time_stamps
from app.evidence.offline.chain_check import STAMPS
from app.evidence.offline.stamp_file import StampFile
from app.kernel import json
from app.kernel.http.app import Hub
from tests.einvoices.exports.packages import BASE, Files, Month, check, export, make_month, set_clock, unpack
from tests.einvoices.helpers import create_issued
from tests.evidence.authority_server import StampAuthority

FIRST, SECOND = (f"timestamps/{BASE + timedelta(days=day):%Y-%m-%d}.tsr" for day in range(2))


def restated(files: Files) -> Files:
    """The files with a manifest that states the time stamps as they are now."""
    others = {name: digest for name, digest in _manifest(files)["files"].items() if not name.startswith(STAMPS)}
    stamps = {name: hashlib.sha256(files[name]).hexdigest() for name in files if name.startswith(STAMPS)}
    return {**files, "manifest.json": json.encode(_manifest(files) | {"files": others | stamps})}


def _manifest(files: Files) -> dict[str, dict[str, str]]:
    manifest: dict[str, dict[str, str]] = json.decode(files["manifest.json"])
    return manifest


def test_the_package_says_what_python_cannot_check_and_openssl_can(month: Month, tmp_path: Path) -> None:
    notes = check(month.files).notes
    moment = BASE + timedelta(days=3)
    day = f"{BASE:%Y-%m-%d}"
    assert f"{FIRST} says that the root of {day} existed at {moment:%Y-%m-%dT%H:%M:%SZ}." in notes
    [hint] = [note for note in notes if "openssl ts" in note]
    for name, content in month.files.items():
        if name.startswith(STAMPS):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(content)
    (tmp_path / "ROOTS.pem").write_bytes(month.authority.roots_file.read_bytes())
    command = hint.partition("run: ")[2].split()
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Verification: OK" in done.stdout + done.stderr, done


def test_each_change_of_a_stamp_is_named(month: Month) -> None:
    files = month.files
    without = {name: content for name, content in files.items() if name != FIRST}
    assert check(without).findings == [f"{FIRST} is missing."]
    assert check({**files, "timestamps/2020-01-01.tsr": files[FIRST]}).findings == [
        "timestamps/2020-01-01.tsr does not belong to the package.",
        "timestamps/2020-01-01.tsr belongs to no root.",
    ]
    swapped = check(restated({**files, FIRST: files[SECOND]})).findings
    assert swapped == [f"{FIRST} is a time stamp of something else than the root of {BASE:%Y-%m-%d}."]


def test_a_stamp_whose_content_was_changed_is_named_by_its_own_hashes(month: Month) -> None:
    moment = StampFile(month.files[FIRST]).moment
    stated = f"{BASE + timedelta(days=3):%Y%m%d%H%M%S}".encode()
    assert stated in month.files[FIRST], moment
    earlier = month.files[FIRST].replace(stated, b"20200101000000")
    [fault] = check(restated({**month.files, FIRST: earlier})).findings
    assert fault == f"{FIRST} was changed: it is no time stamp (its content is not what was signed)."


@pytest.mark.parametrize("content", [b"", b"x", b"0\x80", b"0\x03\x02\x01\x01", b"0\x84\xff\xff\xff\xff"])
def test_what_is_no_stamp_is_no_crash(month: Month, content: bytes) -> None:
    [fault] = check(restated({**month.files, FIRST: content})).findings
    assert fault.startswith(f"{FIRST} was changed: it is no time stamp")


@pytest.mark.slow
def test_a_later_package_has_its_own_stamps_and_the_newest(
    app: Hub, owner: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with StampAuthority(tmp_path).configured(app):
        make_month(owner, monkeypatch)
        set_clock(monkeypatch, BASE + timedelta(days=70))
        create_issued(owner)
        set_clock(monkeypatch, BASE + timedelta(days=71))
        roots.seal_due()
        time_stamps.stamp_due()
        newest = f"timestamps/{BASE + timedelta(days=70):%Y-%m-%d}.tsr"
        files = unpack(export(owner))
        later = unpack(export(owner, f"{BASE + timedelta(days=70):%Y-%m}"))
    stamps = [name for name in files if name.startswith(STAMPS)]
    assert (stamps[:2], stamps[-1], len(stamps)) == ([FIRST, SECOND], newest, 4)
    assert [name for name in later if name.startswith(STAMPS)] == [newest]
    assert (check(files).findings, check(later).findings) == ([], [])
