"""Values of settings: how a text of the environment becomes a value, and checks of single values."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import limits
from environs import validate
from marshmallow import ValidationError

is_public_url = validate.Regexp(
    r"(https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,200})(:[0-9]{1,5})?(/[A-Za-z0-9.~_-]{1,50}){0,4}/?)?\Z",
    error="Expected the address of the hub, such as: https://hub.example.",
)

is_mail_server = validate.Regexp(
    r"(smtps?://([^\s/@:]+(:[^\s/@]*)?@)?(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,200})(:[0-9]{1,5})?/?)?\Z",
    error="Expected a mail server, such as: smtp://user:password@mail.example:587.",
)


def is_mail_address(text: str) -> bool:
    """Whether a text can be an e-mail address of one person."""
    return re.fullmatch(r"[^\s@,;<>\"()]{1,64}@[A-Za-z0-9.-]{1,255}", text) is not None


def days(number: int | None) -> timedelta | None:
    """A period in days; 0 means for ever."""
    return timedelta(days=number) if number else None


def path(text: str | None) -> Path | None:
    """The path; None without a text."""
    return Path(text) if text else None


def is_limit(text: str) -> None:
    """Check a rate limit; a blank one is the default.

    Raises:
        ValidationError: the text is no limit.
    """
    if not text:
        return
    try:
        limits.parse_many(text)
    except ValueError as error:
        raise ValidationError("Expected a limit such as: 10 per minute.") from error


def is_time_zone(text: str) -> None:
    """Check the name of a time zone.

    Raises:
        ValidationError: there is no such time zone.
    """
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError("Expected the name of a time zone such as: Europe/Istanbul.") from error


def with_driver(url: str) -> str:
    """Add the driver, so that a usual ``postgresql://`` URL works as it is."""
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def waits(seconds: Iterable[int]) -> tuple[timedelta, ...]:
    """Periods of so many seconds."""
    return tuple(timedelta(seconds=number) for number in seconds)


def keys(given: Iterable[str]) -> tuple[str, ...]:
    """Keys without blanks (``a,,b``, a trailing comma): an empty key would let everybody in."""
    return tuple(key.strip() for key in given if key.strip())


def ca_file_faults(name: str, file: Path | None) -> list[str]:
    """What is wrong with the setting ``name``, a PEM file of certificates."""
    if file is None:
        return []
    try:
        ssl.create_default_context().load_verify_locations(file)
    except ssl.SSLError:
        return [f"{name} holds no certificate in PEM format: {file}"]
    except OSError as error:
        return [f"{name} cannot be read: {file}: {error.strerror}"]
    return []
