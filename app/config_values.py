"""Values of settings: how a text of the environment becomes a value, and checks of single values."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import limits
from environs import validate
from marshmallow import ValidationError
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

is_public_url = validate.Regexp(
    r"(https?://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]{1,200})(:[0-9]{1,5})?(/[A-Za-z0-9.~_-]{1,50}){0,4}/?)?\Z",
    error="Expected the address of the hub, such as: https://hub.example.",
)

_SERVER = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]]+)(:(?P<port>[0-9]{1,5}))?")

#: A server that is unreachable, or that went away without a word, must not block a request for minutes. Seconds, a
#: number of probes, and milliseconds until data that nobody acknowledges ends the connection.
_CONNECTION_DEFAULTS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}

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


def with_driver(url: str, wanted: str = "read-write") -> str:
    """Add the driver, so that a usual ``postgresql://`` URL works as it is, also one of several servers.

    libpq takes ``postgresql://user@a:5432,b:5432/name``, SQLAlchemy does not; both take the servers as parameters.

    Args:
        wanted: which one of several servers is used, unless ``url`` says it (``target_session_attrs`` of libpq).
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
        return url
    address, _, query = rest.partition("?")
    parts = [query] if query else []
    servers, slash, name = address.partition("/")
    user, at, hosts = servers.rpartition("@")
    named = [match for server in hosts.split(",") if (match := _SERVER.fullmatch(server))]
    if len(named) > 1:
        parts.append("host=" + ",".join(server["host"].strip("[]") for server in named))
        parts.append("port=" + ",".join(server["port"] or "5432" for server in named))
        address = user + at + slash + name
    found = dict(parse_qsl("&".join(parts)))
    if "," in found.get("host", "") and "target_session_attrs" not in found:
        parts.append(f"target_session_attrs={wanted}")
    return "postgresql+psycopg://" + address + ("?" + "&".join(parts) if parts else "")


def database_fault(url: str) -> str:
    """What is wrong with an address of ``with_driver()``, to follow the name of its setting; empty: nothing."""
    if not url.startswith("postgresql+psycopg://"):
        return "must be a postgresql:// address."
    try:
        make_url(url)
    except (ArgumentError, ValueError):
        return "cannot be read; expected an address such as: postgresql://user:password@host:5432/hub"
    return ""


def engine_options(url: str, pool_size: int) -> dict[str, Any]:
    """Options of SQLAlchemy's engine for a database; parameters of a connection that ``url`` has stay."""
    return {
        "pool_size": pool_size,
        "max_overflow": pool_size,
        "pool_timeout": 10,
        "pool_recycle": 1800,
        "pool_use_lifo": True,  # the connection used last has its statements prepared
        "query_cache_size": 2000,  # more than the different statements of all packages
        # Texts of errors go into the log; parameters with data of customers do not.
        "hide_parameters": True,
        "connect_args": {name: value for name, value in _CONNECTION_DEFAULTS.items() if f"{name}=" not in url},
    }


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
