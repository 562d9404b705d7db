"""The command of the verifier: kept roots that it cannot read, packages that it cannot open."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from app.evidence.offline.verify_command import main
from app.kernel import json
from tests.einvoices.exports.packages import Month


@pytest.fixture
def package(month: Month, tmp_path: Path) -> str:
    place = tmp_path / "package.zip"
    place.write_bytes(month.content)
    return str(place)


NO_ROOTS = {
    "empty": b"",
    "a word": b"hello",
    "an empty object": b"{}",
    "no list": b'{"data": 5}',
    "other rows": b'{"data": [{"x": 1}]}',
    "numbers": b'{"data": [5]}',
    "no text": b"\xff\xfe",
    "nested too deeply": b"[" * 9999,
}


@pytest.mark.parametrize("content", NO_ROOTS)
def test_kept_roots_that_cannot_be_read_are_not_ignored(
    package: str, content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "kept"
    kept.write_bytes(NO_ROOTS[content])
    assert main([package, "--known", str(kept)]) == 2
    assert "cannot be read as roots that you kept" in capsys.readouterr().out


def test_a_damaged_line_of_kept_roots_is_named(
    month: Month, package: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "roots.jsonl"
    content = month.files["chain/roots.jsonl"]
    kept.write_bytes(content)
    assert main([package, "--known", str(kept)]) == 0
    kept.write_bytes(content[:-20])
    assert main([package, "--known", str(kept)]) == 2
    assert "line 3 is no statement of a root" in capsys.readouterr().out


def test_two_kept_roots_of_a_day_are_both_compared(month: Month, package: str, tmp_path: Path) -> None:
    content = month.files["chain/roots.jsonl"]
    kept = [tmp_path / name for name in ("one", "two")]
    statement = json.decode(content.splitlines()[0])
    kept[0].write_bytes(json.encode({**statement, "root": "0" * 64}))
    kept[1].write_bytes(content)
    assert main([package, "--known", str(kept[0]), "--known", str(kept[1])]) == 1
    day, root = statement["day"], statement["root"]
    assert main([package, "--root", f"{day}={root}"]) == 0
    assert main([package, "--root", f"{day}={root.upper()}"]) == 0
    assert main([package, "--root", f"{day}={'0' * 64}", "--root", f"{day}={root}"]) == 1


@pytest.mark.parametrize("text", ["2026-12-10", "10.12.2026=" + "a" * 64, "2026-13-10=" + "a" * 64, "2026-12-10=abc"])
def test_a_root_that_is_none_is_refused(package: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([package, "--root", text])
    assert stopped.value.code == 2
    assert "is no day with a root" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, b"", b"PK\x05\x06", b"hello"])
def test_what_is_no_package_cannot_be_opened(
    content: bytes | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "absent"
    if content is not None:
        place.write_bytes(content)
    assert main([str(place)]) == 2
    assert "cannot be opened" in capsys.readouterr().out


def test_a_folder_is_a_package_too(month: Month, package: str, tmp_path: Path) -> None:
    folder = tmp_path / "unpacked"
    with zipfile.ZipFile(package) as archive:
        archive.extractall(folder)
    assert main([str(folder)]) == 0
    (folder / "manifest.json").unlink()
    assert main([str(folder)]) == 1


def test_an_archive_that_was_packed_again_with_its_folders_is_no_fault(month: Month, tmp_path: Path) -> None:
    place = tmp_path / "again.zip"
    with zipfile.ZipFile(place, "w") as archive:
        archive.writestr("pdf/", b"")
        for name, content in month.files.items():
            archive.writestr(name, content)
    assert main([str(place)]) == 0
