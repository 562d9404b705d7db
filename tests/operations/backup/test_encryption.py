"""Encrypted backups: passphrase and chunks."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.kernel.http.app import Hub
from app.operations.backup.encryption import CHUNK_BYTES, MAGIC, DecryptingReader, DecryptionError, EncryptingWriter
from tests.operations.backup.backup_helpers import (
    PASSPHRASE,
    output_of_refusal,
    output_of_success,
    passphrase_file,
    run_command,
)


class TestEncryption:
    def test_a_wrong_or_missing_passphrase_is_refused(self, app: Hub, tmp_path: Path) -> None:
        target = tmp_path / "hub.backup"
        output_of_success(run_command(app, "backup", str(target), "--passphrase-file", passphrase_file(tmp_path)))
        assert "its passphrase is needed" in output_of_refusal(run_command(app, "verify", str(target)))
        wrong = passphrase_file(tmp_path, "another one")
        assert "The passphrase is wrong" in output_of_refusal(
            run_command(app, "verify", str(target), "--passphrase-file", wrong)
        )

    def test_missing_or_reordered_chunks_are_detected(self) -> None:
        target = io.BytesIO()
        writer = EncryptingWriter(target, PASSPHRASE)
        plain = b"a" * CHUNK_BYTES + b"b" * CHUNK_BYTES + b"c" * 10
        writer.write(plain)
        writer.close()
        content, head, size = target.getvalue(), len(MAGIC) + 16 + 7, CHUNK_BYTES + 16
        assert DecryptingReader(io.BytesIO(content), PASSPHRASE).read() == plain
        first, second, last = content[head : head + size], content[head + size : head + 2 * size], content[-26:]
        for changed in (first + second, second + first + last, first + last, b"", first + second + last + last):
            with pytest.raises(DecryptionError):
                DecryptingReader(io.BytesIO(content[:head] + changed), PASSPHRASE).read()
