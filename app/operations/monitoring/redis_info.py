"""What Redis tells about itself; its user may lack the permission for INFO."""

from __future__ import annotations

from typing import Any

from redis.exceptions import NoPermissionError

from app.extensions import bus


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
