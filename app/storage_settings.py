"""Settings of the stored files: a folder or a bucket of an object store, and how they are read from the environment."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from environs import FileAwareEnv, validate
from marshmallow import ValidationError

EXAMPLE = "s3://bucket/prefix?endpoint_url=https://s3.example.com"
ENCRYPTIONS = ("", "AES256", "aws:kms", "aws:kms:dsse")
LOCK_MODES = ("", "governance", "compliance")
MOST_LOCK_DAYS = 36500
_OPTIONS = frozenset({"endpoint_url", "region", "addressing", "profile"})
_ADDRESSING = frozenset({"auto", "path", "virtual"})
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]")
_PREFIX = re.compile(r"(?:[\w()+=@,-][\w()+=@,. -]*(?:/[\w()+=@,-][\w()+=@,. -]*)*)?")
_ENDPOINT = re.compile(r"https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,200})(:[0-9]{1,5})?/?")


class BadLocation(ValueError):
    """The text names no place for files. The message never repeats it: it may contain a password."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of this machine, or one that several machines mount."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of an object store that speaks the protocol of S3, and a prefix in it.

    Attributes:
        endpoint_url: address of the store; None for AWS.
        addressing: where the name of the bucket stands in addresses: ``auto``, ``path`` or ``virtual``.
        profile: section of the files of AWS (``~/.aws``) that has the credentials.
    """

    name: str
    prefix: str = ""
    endpoint_url: str | None = None
    region: str | None = None
    addressing: str = "auto"
    profile: str | None = None

    def __str__(self) -> str:
        place = f"s3://{self.name}/{self.prefix}".rstrip("/")
        return f"{place} at {self.endpoint_url}" if self.endpoint_url else place


Location = Folder | Bucket


def parse_location(text: str) -> Location:
    """The place that a path, a ``file://`` or an ``s3://`` address names.

    A path begins with a slash.

    Raises:
        BadLocation: it names none, or it contains a credential.
    """
    if "://" not in text:
        if not Path(text).is_absolute():  # also s3:/bucket, which would be a folder of the working directory
            raise BadLocation(f"Expected the whole path of a folder, or an address such as: {EXAMPLE}")
        return Folder(Path(text))
    try:
        parts = urlsplit(text)
        is_s3, has_credential = parts.scheme == "s3", "@" in parts.netloc
    except ValueError as error:
        raise BadLocation(f"Expected an address such as: {EXAMPLE}") from error
    if has_credential:
        raise BadLocation("An address must not contain a credential; see docs/operating.md for where it belongs.")
    if parts.scheme == "file" and not parts.netloc and len(parts.path) > 1:
        return Folder(Path(unquote(parts.path)))
    if not is_s3:
        raise BadLocation(f"Expected a folder, or an address such as: {EXAMPLE}")
    return _bucket(parts.netloc, unquote(parts.path).strip("/"), dict(parse_qsl(parts.query, keep_blank_values=True)))


def is_inside(inner: Location, outer: Location) -> bool:
    """Whether each file of ``inner`` is a file of ``outer`` too."""
    if isinstance(inner, Folder) and isinstance(outer, Folder):
        return inner.path.resolve().is_relative_to(outer.path.resolve())
    if isinstance(inner, Bucket) and isinstance(outer, Bucket):
        is_same = (inner.name, inner.endpoint_url) == (outer.name, outer.endpoint_url)
        return is_same and (not outer.prefix or f"{inner.prefix}/".startswith(f"{outer.prefix}/"))
    return False


def _bucket(name: str, prefix: str, options: dict[str, str]) -> Bucket:
    if not _BUCKET.fullmatch(name):
        raise BadLocation(f"The name of the bucket is missing or invalid. Expected an address such as: {EXAMPLE}")
    if not _PREFIX.fullmatch(prefix):
        raise BadLocation("The prefix has characters that are not allowed, or a part that begins with a dot.")
    if unknown := sorted(set(options) - _OPTIONS):
        known = ", ".join(sorted(_OPTIONS))
        raise BadLocation(f"The address has {len(unknown)} unknown option(s); the known ones are {known}.")
    endpoint = options.get("endpoint_url") or None
    if endpoint is not None and not _ENDPOINT.fullmatch(endpoint):
        raise BadLocation("endpoint_url must be like https://s3.example.com:9000, without a path and a credential.")
    if options.get("addressing", "auto") not in _ADDRESSING:
        raise BadLocation(f"addressing must be one of: {', '.join(sorted(_ADDRESSING))}.")
    return Bucket(
        name,
        prefix,
        endpoint.rstrip("/") if endpoint else None,
        options.get("region") or None,
        options.get("addressing", "auto"),
        options.get("profile") or None,
    )


@dataclass(frozen=True, slots=True)
class StorageSettings:
    """Where files are stored besides the folder ``STORAGE_DIR``, and how an object store keeps them.

    Attributes:
        url: the bucket; empty: the folder ``STORAGE_DIR``.
        read_also: a second place, which files are read from that are not in the first one.
        access_key, secret_key: credentials; without them the standard chain of AWS is asked.
        encryption, kms_key: encryption by the store.
        lock_mode, lock_days: object lock of the files of e-invoices.
    """

    url: str = ""
    read_also: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    encryption: str = ""
    kms_key: str = ""
    lock_mode: str = ""
    lock_days: int = 0
    #: PEM file of further certificate authorities (``TRUSTED_CA_FILE``).
    ca_file: Path | None = None

    def faults(self) -> list[str]:
        """What is wrong with the settings together."""
        found = []
        if bool(self.access_key) != bool(self.secret_key):
            found.append("STORAGE_ACCESS_KEY and STORAGE_SECRET_KEY belong together: set both, or none.")
        if self.kms_key and not self.encryption.startswith("aws:kms"):
            found.append("STORAGE_KMS_KEY needs STORAGE_ENCRYPTION=aws:kms.")
        if bool(self.lock_mode) != bool(self.lock_days):
            found.append("STORAGE_LOCK_MODE and STORAGE_LOCK_DAYS belong together: set both, or none.")
        if (self.encryption or self.lock_mode) and not self.url.startswith("s3://"):
            found.append("STORAGE_ENCRYPTION and STORAGE_LOCK_MODE need a STORAGE_URL that begins with s3://.")
        return found


#: No object store: all files are in ``STORAGE_DIR``.
STORED_IN_FOLDER = StorageSettings()


def read(env: FileAwareEnv) -> dict[str, Any]:
    """The keyword ``storage`` for the settings, from the variables ``STORAGE_…``."""
    ca_file = env.str("TRUSTED_CA_FILE", "")
    value = StorageSettings(
        url=env.str("STORAGE_URL", "", validate=_is_location) or "",
        read_also=env.str("STORAGE_READ_ALSO", "", validate=_is_location) or "",
        access_key=env.str("STORAGE_ACCESS_KEY", "") or "",
        secret_key=env.str("STORAGE_SECRET_KEY", "") or "",
        encryption=env.str("STORAGE_ENCRYPTION", "", validate=validate.OneOf(ENCRYPTIONS)) or "",
        kms_key=env.str("STORAGE_KMS_KEY", "") or "",
        lock_mode=env.str("STORAGE_LOCK_MODE", "", validate=validate.OneOf(LOCK_MODES)) or "",
        lock_days=env.int("STORAGE_LOCK_DAYS", 0, validate=validate.Range(0, MOST_LOCK_DAYS)) or 0,
        ca_file=Path(ca_file) if ca_file else None,
    )
    return {"storage": value}


def _is_location(text: str) -> None:
    if not text:
        return
    try:
        parse_location(text)
    except BadLocation as error:
        raise ValidationError(str(error)) from error
