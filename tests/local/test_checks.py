"""What is checked before anything slow begins."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.local import checks
from app.local.errors import LocalRunError, describe_os_error


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


class TestPorts:
    def test_one_in_use_is_refused_with_what_to_type(self, taken: int) -> None:
        with pytest.raises(LocalRunError, match=f"^Port {taken} is in use.*PORT={taken + 1} make run$"):
            checks.require_port("127.0.0.1", taken)

    def test_an_address_of_another_machine_is_named(self) -> None:
        with pytest.raises(LocalRunError, match=r"^Cannot listen on 192\.0\.2\.1:8000: "):
            checks.require_port("192.0.2.1", 8000)

    def test_flower_moves_aside_unless_its_port_was_asked_for(self, taken: int) -> None:
        assert checks.flower_port(taken, given=False) != taken
        with pytest.raises(LocalRunError, match=f"^FLOWER_PORT {taken} is in use"):
            checks.flower_port(taken, given=True)


class TestRoom:
    def test_a_new_folder_lets_the_database_user_pass_and_nobody_look(self, tmp_path: Path) -> None:
        checks.prepare_data_dir(tmp_path / "a/var")
        assert (tmp_path / "a/var").stat().st_mode & 0o777 == 0o711

    def test_a_folder_that_is_there_keeps_its_mode(self, tmp_path: Path) -> None:
        tmp_path.chmod(0o750)
        checks.prepare_data_dir(tmp_path)
        assert tmp_path.stat().st_mode & 0o777 == 0o750

    def test_a_full_disk_is_refused_with_both_numbers(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(checks, "MIN_FREE_BYTES", 2**60)
        with pytest.raises(LocalRunError, match=r"is full: \d+ MB are free, \d+ MB are needed\.$"):
            checks.prepare_data_dir(tmp_path)


def test_sole_use_ends_with_its_block(tmp_path: Path) -> None:
    with (
        checks.exclusive_use(tmp_path),
        pytest.raises(LocalRunError, match=rf"already \(process {os.getpid()}\)"),
        checks.exclusive_use(tmp_path),
    ):
        pass
    with checks.exclusive_use(tmp_path):
        pass


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (28, "The disk is full (/data/file): make room, then start again."),
        (13, "Not allowed to write or read (/data/file): Permission denied."),
        (5, "Input/output error (/data/file)."),
    ],
)
def test_what_the_system_refuses_is_one_plain_line(code: int, words: str) -> None:
    assert describe_os_error(OSError(code, os.strerror(code), "/data/file")) == words
