"""Reads an answer of an authority of time stamps (RFC 3161) as far as the standard library can: not its signature."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime

#: Tags of DER: a string of bytes, and the first choice of several.
OCTETS, CHOICE_0 = 0x04, 0xA0
#: A length from here on is the number of the bytes of the length.
LONG = 0x80
#: Object identifiers in DER: hash functions, the attribute with the hash of the content, and the content itself.
SHA_2 = bytes.fromhex("6086480165030402")
HASHES = {SHA_2 + b"\x01": "sha256", SHA_2 + b"\x02": "sha384", SHA_2 + b"\x03": "sha512"}
MESSAGE_DIGEST = bytes.fromhex("2a864886f70d010904")
STAMP_CONTENT = bytes.fromhex("2a864886f70d0109100104")


class StampFile:
    """What a time stamp states.

    Attributes:
        digest: SHA-256 of what was stamped.
        moment: when, by the clock of the authority.
    """

    def __init__(self, raw: bytes) -> None:
        """Raises ValueError if ``raw`` is no time stamp, or if its content is not what its signature is about."""
        [(_, reply)] = parts(raw)
        _status, (_, token) = parts(reply)
        _kind, (_, wrapped) = parts(token)
        [(_, signed)] = parts(wrapped)
        members = list(parts(signed))
        (_, kind), (_, held) = parts(members[2][1])
        [(tag, content)] = parts(held)
        if (kind, tag) != (STAMP_CONTENT, OCTETS):
            raise ValueError("it has no time stamp")
        signers = [each for _, each in parts(members[-1][1])]
        if not signers or not all(is_about(content, signer) for signer in signers):
            raise ValueError("its content is not what was signed")
        [(_, stated)] = parts(content)
        fields = list(parts(stated))
        (_, algorithm), (_, digest) = parts(fields[2][1])
        if hash_name(algorithm) != "sha256":
            raise ValueError("it has another hash than SHA-256")
        self.digest = digest.hex()
        self.moment = moment_of(fields[4][1])


def parts(raw: bytes) -> Iterator[tuple[int, bytes]]:
    """The values that stand one after the other in DER: each with its tag."""
    place = 0
    while place < len(raw):
        tag, length, place = raw[place], raw[place + 1], place + 2
        if length >= LONG:
            size = length - LONG
            length, place = int.from_bytes(raw[place : place + size], "big"), place + size
        if place + length > len(raw):
            raise ValueError("it is cut off")
        yield tag, raw[place : place + length]
        place += length


def hash_name(algorithm: bytes) -> str:
    """The name of a hash function; empty for another one than SHA-2."""
    (_, found), *_ = parts(algorithm)
    return HASHES.get(found, "")


def is_about(content: bytes, signer: bytes) -> bool:
    """Whether the signed attributes of a signer have the hash of the content."""
    fields = list(parts(signer))
    name = hash_name(fields[2][1])
    tag, attributes = fields[3]
    for _, attribute in parts(attributes) if tag == CHOICE_0 else ():
        (_, kind), (_, values) = parts(attribute)
        if kind == MESSAGE_DIGEST:
            return bool(name) and [(OCTETS, hashlib.new(name, content).digest())] == list(parts(values))
    return False


def moment_of(raw: bytes) -> str:
    """A moment such as 2026-01-19T00:01:00Z."""
    whole = raw.decode("ascii").rstrip("Z").partition(".")[0]
    return datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
