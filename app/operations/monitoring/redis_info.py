"""What Redis and its sentinels tell about themselves; the user of Redis may lack the permission for INFO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import NoPermissionError, RedisError

from app.extensions import REDIS_SECONDS, bus


def read_info() -> dict[str, Any] | None:
    """The answer to INFO; None when the user of REDIS_URL may not run it, and Redis answers.

    Raises:
        RedisError: Redis does not answer.
    """
    try:
        info: Any = bus.client.info()
    except NoPermissionError:
        bus.client.ping()
        return None
    return dict(info)


@dataclass(frozen=True, slots=True)
class SentinelState:
    """A sentinel, and why it cannot help at a failover; ``fault`` is empty when it can."""

    address: str
    fault: str


def read_sentinels() -> list[SentinelState]:
    """The sentinels of REDIS_URL; none when it names the server itself."""
    servers = bus.servers
    clients = servers.sentinel_client(REDIS_SECONDS).sentinels
    return [
        SentinelState(f"{host}:{port}", _sentinel_fault(client, servers.master))
        for (host, port), client in zip(servers.sentinels, clients, strict=True)
    ]


def _sentinel_fault(sentinel: Redis, master: str) -> str:
    try:
        with sentinel:
            state: Any = sentinel.sentinel_master(master)
            if not state["num-slaves"]:
                return "knows no replica that could take over"
            sentinel.execute_command("SENTINEL", "CKQUORUM", master)  # type: ignore[no-untyped-call]
    except RedisError as error:
        return f"{type(error).__name__}: {error}"
    return ""
