"""The servers of REDIS_URL: one Redis or Valkey, or the master that sentinels name; all connections are made here."""

from __future__ import annotations

import re
import ssl
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from redis import Redis
from redis.connection import parse_url
from redis.sentinel import MasterNotFoundError, Sentinel

EXAMPLE = "redis+sentinel://:password@sentinel1:26379,sentinel2:26379/master-name/0"
#: Longest wait for one sentinel. It answers from memory; one that hangs costs this much in each new connection until
#: another one has answered.
SENTINEL_SECONDS = 0.5
_SENTINEL_PORT, _PORTS = 26379, range(1, 65536)
_TLS = frozenset({"rediss", "rediss+sentinel"})
_SENTINEL = frozenset({"sentinel", "redis+sentinel", "rediss+sentinel"})
SCHEMES = frozenset({"redis", "rediss"}) | _SENTINEL
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:(?P<port>[0-9]{1,5}))?")
_DATABASE = re.compile(r"/?[0-9]{0,5}/?")
_PATH = re.compile(r"/(?P<master>[^/]+)(/(?P<db>[0-9]{0,5}))?")
_EXPECTED = "expected an address such as: redis://:password@host:6379/0"
_CERTIFICATES = ("none", "optional", "required")
#: Options of the sentinels themselves, and those of TLS, which servers and sentinels share.
_SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}
_TLS_OPTIONS = frozenset(
    {"ssl_ca_certs", "ssl_cert_reqs", "ssl_certfile", "ssl_check_hostname", "ssl_keyfile", "ssl_password"}
)


class BadAddress(ValueError):
    """The text is no address of Redis. The message continues the name of the setting, and never repeats its value."""


@dataclass(frozen=True, slots=True)
class RedisServers:
    """Where the hub finds its Redis.

    Attributes:
        url: the address of one server; with sentinels only what ``options`` were read from.
        options: arguments of a connection to a server, without its address.
        sentinels: hosts and ports of the sentinels; empty: ``url`` is the server.
        master: name under which the sentinels know the servers.
        sentinel_options: arguments of a connection to a sentinel, without its address.
    """

    url: str = field(repr=False)
    options: dict[str, Any] = field(repr=False)
    is_tls: bool = False
    sentinels: tuple[tuple[str, int], ...] = ()
    master: str = ""
    sentinel_options: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def parse(cls, url: str) -> RedisServers:
        """Read an address; that of one server has the form of redis-py.

        Raises:
            BadAddress: the text is no such address.
        """
        scheme, separator, rest = url.partition("://")
        if not separator or scheme not in SCHEMES:
            raise BadAddress("must be a redis://, rediss://, redis+sentinel:// or rediss+sentinel:// address.")
        is_tls = scheme in _TLS
        return _behind_sentinels(rest, is_tls) if scheme in _SENTINEL else cls(url, _options_of(url), is_tls)

    def client(self, timeout: float, **options: Any) -> Redis:
        """A client of the server, or of the present master: each new connection asks the sentinels for it.

        Args:
            timeout: seconds that a connection or an answer may take; a sentinel has at most ``SENTINEL_SECONDS``.
            options: further arguments of redis-py.
        """
        limits = {"socket_timeout": timeout, "socket_connect_timeout": timeout}
        if not self.sentinels:
            return Redis.from_url(self.url, **limits, **options)
        arguments = {**({"ssl": True} if self.is_tls else {}), **self.options, **limits, **options}
        return self.sentinel_client(timeout).master_for(self.master, **arguments)  # type: ignore[no-any-return, no-untyped-call]

    def sentinel_client(self, timeout: float) -> Sentinel:
        """A client of all sentinels."""
        return _Sentinels(list(self.sentinels), sentinel_kwargs=self._sentinel_arguments(timeout))  # type: ignore[no-untyped-call]

    def broker_settings(self, timeout: float) -> dict[str, Any]:
        """Settings of Celery that lead to the same servers; the variables ``CELERY_BROKER_URL`` change nothing."""
        url = ";".join(self._broker_urls()) or self.url
        waits = {"socket_timeout": timeout, "socket_connect_timeout": timeout, "retry_on_timeout": False}
        named = {"master_name": self.master, "sentinel_kwargs": self._sentinel_arguments(timeout)}
        return {
            "broker_url": url,
            "broker_read_url": url,
            "broker_write_url": url,
            "broker_use_ssl": self._broker_tls() if self.is_tls else None,
            "broker_transport_options": waits | (named if self.sentinels else {}),
        }

    def _broker_urls(self) -> list[str]:
        """An address of each sentinel, in the form of kombu: with the password and the database of the server."""
        user, password = (quote(self.options.get(name) or "", safe="") for name in ("username", "password"))
        credentials = f"{user}:{password}@" if user or password else ""
        hosts = [(f"[{host}]" if ":" in host else host, port) for host, port in self.sentinels]
        return [f"sentinel://{credentials}{host}:{port}/{self.options.get('db', 0)}" for host, port in hosts]

    def _broker_tls(self) -> dict[str, Any]:
        """Celery does not verify certificates by itself. Options of a single server stay in its address."""
        given = {name: value for name, value in self.options.items() if name in _TLS_OPTIONS}
        return {"ssl_cert_reqs": ssl.CERT_REQUIRED, **(given if self.sentinels else {})}

    def _sentinel_arguments(self, timeout: float) -> dict[str, Any]:
        wait = min(timeout, SENTINEL_SECONDS)
        # Without ``retry`` redis-py would ask a sentinel that hangs ten times more.
        limits = {"socket_timeout": wait, "socket_connect_timeout": wait, "retry": None}
        return {**self.sentinel_options, **({"ssl": True} if self.is_tls else {}), **limits}


class _Sentinels(Sentinel):
    """Sentinels whose error is one short line: redis-py describes each of its clients with all their options."""

    def discover_master(self, service_name: str) -> Any:
        try:
            return super().discover_master(service_name)  # type: ignore[no-untyped-call]
        except MasterNotFoundError as error:
            raise MasterNotFoundError(str(error).partition(" : ")[0]) from None


def address_faults(name: str, url: str) -> list[str]:
    """What is wrong with the setting ``name``, an address of Redis."""
    try:
        RedisServers.parse(url)
    except BadAddress as error:
        return [f"{name} {error}"]
    return []


def _behind_sentinels(rest: str, is_tls: bool) -> RedisServers:
    """Read ``[user:password@]host[:port],…/master-name[/database][?options]``."""
    place, _, query = rest.partition("?")
    authority, slash, path = place.partition("/")
    credentials, at, hosts = authority.rpartition("@")
    named = [_HOST.fullmatch(host) for host in hosts.split(",")]
    sentinels = tuple((one["host"].strip("[]"), int(one["port"] or _SENTINEL_PORT)) for one in named if one)
    where = _PATH.fullmatch(slash + path)
    if where is None or not all(named) or not all(port in _PORTS for _, port in sentinels):
        raise BadAddress(f"cannot be read; an address of sentinels looks like: {EXAMPLE}")
    given = dict(parse_qsl(query, keep_blank_values=True))
    if unknown := sorted(given.keys() - (_SENTINEL_OPTIONS.keys() | (_TLS_OPTIONS if is_tls else set()))):
        raise BadAddress(f"has options that an address of sentinels does not know: {', '.join(unknown)}")
    shared = "&".join(f"{name}={quote(value)}" for name, value in given.items() if name in _TLS_OPTIONS)
    url = f"{'rediss' if is_tls else 'redis'}://{credentials}{at}master/{where['db'] or 0}?{shared}"
    options = _options_of(url)
    return RedisServers(
        url=url,
        options=options,
        is_tls=is_tls,
        sentinels=sentinels,
        master=unquote(where["master"]),
        sentinel_options={name: value for name, value in options.items() if name in _TLS_OPTIONS}
        | {_SENTINEL_OPTIONS[name]: value for name, value in given.items() if name in _SENTINEL_OPTIONS},
    )


def _options_of(url: str) -> dict[str, Any]:
    """What redis-py reads from an address, without host, port and class of the connection."""
    try:
        found, path = parse_url(url), urlsplit(url).path  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise BadAddress(f"cannot be read; {_EXPECTED}") from error
    if not _DATABASE.fullmatch(path):
        raise BadAddress(f"names no database; {_EXPECTED}")
    if found.get("ssl_cert_reqs", "required") not in _CERTIFICATES:
        raise BadAddress(f"has a wrong ssl_cert_reqs; it must be one of: {', '.join(_CERTIFICATES)}")
    return {name: value for name, value in found.items() if name not in {"host", "port", "connection_class"}}
