"""Addresses of Redis: one server or sentinels, what every user of them gets, and what is refused."""

from __future__ import annotations

import re
import ssl

import pytest
from kombu import Connection
from redis.sentinel import MasterNotFoundError

from app.redis_servers import SENTINEL_SECONDS, BadAddress, RedisServers, address_faults

FULL = (
    "rediss+sentinel://us%3Aer:p%40ss@one.example,two:26380,[::1]:26381/my%20hub/3"
    "?sentinel_username=watcher&sentinel_password=a%26b&ssl_ca_certs=/ca.pem&ssl_check_hostname=false"
)


def test_an_address_of_sentinels_is_read_whole() -> None:
    servers = RedisServers.parse(FULL)
    assert servers.sentinels == (("one.example", 26379), ("two", 26380), ("::1", 26381))
    assert servers.master == "my hub"
    tls = {"ssl_ca_certs": "/ca.pem", "ssl_check_hostname": False}
    assert servers.options == {"username": "us:er", "password": "p@ss", "db": 3, **tls}
    assert servers.sentinel_options == {"username": "watcher", "password": "a&b", **tls}


@pytest.mark.parametrize("scheme", ["sentinel", "redis+sentinel"])
def test_what_is_not_given_has_the_usual_value(scheme: str) -> None:
    servers = RedisServers.parse(f"{scheme}://localhost/hub")
    assert (servers.sentinels, servers.master, servers.is_tls) == ((("localhost", 26379),), "hub", False)
    assert (servers.options, servers.sentinel_options) == ({"db": 0}, {})


def test_the_client_and_its_sentinels_have_their_own_credentials_and_short_waits() -> None:
    client = RedisServers.parse(FULL).client(2.0, decode_responses=True)
    made = client.connection_pool.connection_kwargs
    assert {name: made[name] for name in ("username", "password", "db", "socket_timeout", "decode_responses")} == {
        "username": "us:er",
        "password": "p@ss",
        "db": 3,
        "socket_timeout": 2.0,
        "decode_responses": True,
    }
    for sentinel in client.connection_pool.sentinel_manager.sentinels:
        asked = sentinel.connection_pool.connection_kwargs
        assert (asked["username"], asked["password"], asked["ssl_ca_certs"]) == ("watcher", "a&b", "/ca.pem")
        assert asked["socket_timeout"] == asked["socket_connect_timeout"] == SENTINEL_SECONDS
        assert asked["retry"] is None, "a sentinel that hangs would be asked ten times more"


def test_sentinels_without_an_answer_are_an_error_of_one_short_line() -> None:
    client = RedisServers.parse("redis+sentinel://:geheim@127.0.0.1:1,127.0.0.1:2/hub").client(0.5)
    with pytest.raises(MasterNotFoundError) as raised:
        client.ping()
    assert str(raised.value) == "No master found for 'hub'"


def test_celery_gets_every_sentinel_with_the_credentials_of_the_server() -> None:
    settings = RedisServers.parse(FULL).broker_settings(2.0)
    urls = settings["broker_url"].split(";")
    assert len(urls) == 3
    for url, host in zip(urls, ("one.example", "two", "::1"), strict=True):
        with Connection(url) as connection:
            assert (connection.hostname, connection.userid, connection.password) == (host, "us:er", "p@ss")
            assert (connection.virtual_host, connection.transport_cls) == ("3", "sentinel")
    options = settings["broker_transport_options"]
    assert options["master_name"] == "my hub"
    assert {"username": "watcher", "password": "a&b", "ssl": True}.items() <= options["sentinel_kwargs"].items()
    assert settings["broker_use_ssl"]["ssl_cert_reqs"] == ssl.CERT_REQUIRED
    assert settings["broker_use_ssl"]["ssl_ca_certs"] == "/ca.pem"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://redis.example", "redis://, rediss://, redis+sentinel:// or rediss+sentinel://"),
        ("redis.example:6379", "redis://, rediss://, redis+sentinel:// or rediss+sentinel://"),
        ("redis://:s3cret@host:port/0", "cannot be read"),
        ("redis://:s3cret@host:6379/name", "names no database"),
        ("rediss://:s3cret@host?ssl_cert_reqs=never", "wrong ssl_cert_reqs"),
        ("sentinel://:s3cret@host:26379", "looks like: redis+sentinel://"),
        ("sentinel://:s3cret@one:26379;sentinel://two:26379/0", "looks like: redis+sentinel://"),
        ("redis+sentinel://:s3cret@one:26379,/hub", "looks like: redis+sentinel://"),
        ("redis+sentinel://:s3cret@one:70000/hub", "looks like: redis+sentinel://"),
        ("redis+sentinel://:s3cret@one:26379/hub/zero", "looks like: redis+sentinel://"),
        ("redis+sentinel://:s3cret@one/hub?socket_timeout=60&foo=1", "does not know: foo, socket_timeout"),
        ("redis+sentinel://:s3cret@one/hub?ssl_ca_certs=/ca.pem", "does not know: ssl_ca_certs"),
        ("rediss+sentinel://:s3cret@one/hub?ssl_cert_reqs=never", "wrong ssl_cert_reqs"),
    ],
)
def test_a_wrong_address_is_refused_without_its_password(url: str, expected: str) -> None:
    with pytest.raises(BadAddress, match=re.escape(expected)):
        RedisServers.parse(url)
    [fault] = address_faults("REDIS_URL", url)
    assert fault.startswith("REDIS_URL ")
    assert "s3cret" not in fault


def test_no_text_shows_a_password() -> None:
    shown = f"{RedisServers.parse(FULL)!r} {RedisServers.parse('redis://:p%40ss@host')!r}"
    assert not any(secret in shown for secret in ("p@ss", "p%40ss", "a&b"))
