"""Checks of external servers: whether DATABASE_URL and REDIS_URL lead to a usable server."""

from __future__ import annotations

from app.local.errors import LocalRunError

_TIMEOUT_SECONDS = 5


def require_database(url: str) -> None:
    """Connect to the server of DATABASE_URL.

    Raises:
        LocalRunError: the message has the reason of the driver, without the password.
    """
    import psycopg  # noqa: PLC0415 - most starts have a server of their own, and need not wait for it

    scheme, _, rest = url.partition("://")
    try:
        psycopg.connect(f"{scheme.partition('+')[0]}://{rest}", connect_timeout=_TIMEOUT_SECONDS).close()
    except psycopg.ProgrammingError as error:  # malformed URL; the message of the driver would repeat it
        raise LocalRunError(
            "DATABASE_URL cannot be read: expected postgresql://user:password@host:port/name, "
            "with %20 and the like for what is special in them."
        ) from error
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise LocalRunError(f"The server of DATABASE_URL cannot be used: {reason}") from error


def require_broker(url: str) -> None:
    """Connect to the server of REDIS_URL, or to the one that its sentinels name.

    Raises:
        LocalRunError: the message has the reason of the client, without the password.
    """
    from redis.exceptions import RedisError  # noqa: PLC0415 - as above

    from app.redis_servers import BadAddress, RedisServers  # noqa: PLC0415

    try:
        with RedisServers.parse(url).client(_TIMEOUT_SECONDS) as client:
            client.ping()
    except BadAddress as error:
        raise LocalRunError(f"REDIS_URL {error}") from error
    except RedisError as error:
        reason, _, _ = str(error).partition(" : ")  # then redis-py describes each sentinel in a thousand characters
        raise LocalRunError(f"The server of REDIS_URL cannot be used: {reason}") from error
