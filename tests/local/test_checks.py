"""Checks before the start: ports, data folder, exclusive use."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local import checks
from app.local.errors import LocalRunError, describe_os_error


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


class TestPorts:
    def test_a_port_in_use_is_refused_with_a_suggestion(self, used_port: int) -> None:
        with pytest.raises(LocalRunError, match=f"^Port {used_port} is in use.*PORT={used_port + 1} make run$"):
            checks.require_port("127.0.0.1", used_port)

    def test_an_address_of_another_machine_is_refused(self) -> None:
        with pytest.raises(LocalRunError, match=r"^Cannot listen on 192\.0\.2\.1:8000: "):
            checks.require_port("192.0.2.1", 8000)

    def test_flower_uses_another_port_unless_its_port_was_given(self, used_port: int) -> None:
        assert checks.side_port("FLOWER_PORT", used_port, given=False) != used_port
        with pytest.raises(LocalRunError, match=f"^FLOWER_PORT {used_port} is in use"):
            checks.side_port("FLOWER_PORT", used_port, given=True)


class TestDataDir:
    def test_a_new_folder_can_be_entered_but_not_listed_by_others(self, tmp_path: Path) -> None:
        checks.prepare_data_dir(tmp_path / "a/var")
        assert (tmp_path / "a/var").stat().st_mode & 0o777 == 0o711

    def test_an_existing_folder_keeps_its_mode(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o750)
        checks.prepare_data_dir(tmp_path)
        assert tmp_path.stat().st_mode & 0o777 == 0o750

    def test_a_full_disk_is_refused_with_both_numbers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "MIN_FREE_BYTES", 2**60)
        with pytest.raises(LocalRunError, match=r"is full: \d+ MB are free, \d+ MB are needed\.$"):
            checks.prepare_data_dir(tmp_path)


def test_exclusive_use_ends_with_its_block(tmp_path: Path) -> None:
    with (
        checks.exclusive_use(tmp_path),
        pytest.raises(LocalRunError, match=rf"already \(process {os.getpid()}\)"),
        checks.exclusive_use(tmp_path),
    ):
        pass
    with checks.exclusive_use(tmp_path):
        pass


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (28, "The disk is full (/data/file): make room, then start again."),
        (13, "Not allowed to write or read (/data/file): Permission denied."),
        (5, "Input/output error (/data/file)."),
    ],
)
def test_an_error_of_the_system_is_described_in_one_line(code: int, message: str) -> None:
    assert describe_os_error(OSError(code, os.strerror(code), "/data/file")) == message
