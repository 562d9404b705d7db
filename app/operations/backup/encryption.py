"""Encryption of a stream with a passphrase, in chunks; a changed, missing or reordered chunk is detected.

The construction is STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over AES-256-GCM: the nonce of a chunk is a
random prefix, its number, and a flag for the last chunk. scrypt (RFC 7914) derives the key from the passphrase.
"""

from __future__ import annotations

import secrets
from typing import IO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

MAGIC = b"IHUBSEAL1\n"
CHUNK_BYTES = 1024 * 1024
_SALT, _PREFIX, _TAG = 16, 7, 16
#: Cost of scrypt: 128 MiB of memory and about 0.5 s.
_SCRYPT_N, _SCRYPT_R, _SCRYPT_P = 2**17, 8, 1


class DecryptionError(Exception):
    """The passphrase is wrong, or the file was changed or is incomplete."""


class EncryptingWriter:
    """Encrypts bytes and writes them to a file; ``close`` writes the last chunk, which decryption requires."""

    def __init__(self, target: IO[bytes], passphrase: str) -> None:
        salt, self._prefix = secrets.token_bytes(_SALT), secrets.token_bytes(_PREFIX)
        self._cipher = AESGCM(_key(passphrase, salt))
        self._target, self._buffer, self._number = target, bytearray(), 0
        target.write(MAGIC + salt + self._prefix)

    def write(self, data: bytes) -> int:
        self._buffer += data
        while len(self._buffer) > CHUNK_BYTES:
            self._write_chunk(bytes(self._buffer[:CHUNK_BYTES]), last=False)
            del self._buffer[:CHUNK_BYTES]
        return len(data)

    def close(self) -> None:
        self._write_chunk(bytes(self._buffer), last=True)

    def _write_chunk(self, chunk: bytes, *, last: bool) -> None:
        self._target.write(self._cipher.encrypt(_nonce(self._prefix, self._number, last=last), chunk, None))
        self._number += 1


class DecryptingReader:
    """Reads and decrypts the bytes of an encrypted file.

    Raises:
        DecryptionError: the passphrase is wrong, or the file was changed or is incomplete.
    """

    def __init__(self, source: IO[bytes], passphrase: str) -> None:
        head = source.read(len(MAGIC) + _SALT + _PREFIX)
        salt, self._prefix = head[len(MAGIC) : len(MAGIC) + _SALT], head[len(MAGIC) + _SALT :]
        if not head.startswith(MAGIC) or len(self._prefix) != _PREFIX:
            raise DecryptionError("The file is not an encrypted backup.")
        self._cipher = AESGCM(_key(passphrase, salt))
        self._source, self._buffer, self._number = source, bytearray(), 0
        self._next = source.read(CHUNK_BYTES + _TAG)
        if not self._next:
            raise DecryptionError("The file is incomplete.")

    def read(self, size: int = -1) -> bytes:
        while self._next and (size < 0 or len(self._buffer) < size):
            self._decrypt_next()
        size = len(self._buffer) if size < 0 else size
        result = bytes(self._buffer[:size])
        del self._buffer[:size]
        return result

    def _decrypt_next(self) -> None:
        chunk, self._next = self._next, self._source.read(CHUNK_BYTES + _TAG)
        nonce = _nonce(self._prefix, self._number, last=not self._next)
        try:
            self._buffer += self._cipher.decrypt(nonce, chunk, None)
        except InvalidTag as error:
            raise DecryptionError("The passphrase is wrong, or the file was changed or is incomplete.") from error
        self._number += 1


def is_encrypted(source: IO[bytes]) -> bool:
    """Whether a file begins like an encrypted backup; the position is set to the start again."""
    has_magic = source.read(len(MAGIC)) == MAGIC
    source.seek(0)
    return has_magic


def _key(passphrase: str, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, n=_SCRYPT_N, r=_SCRYPT_R, p=_SCRYPT_P).derive(passphrase.encode())


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])
