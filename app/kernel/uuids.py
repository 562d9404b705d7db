"""UUIDs that must be unique and need not be secret."""

from __future__ import annotations

import random
import uuid


def new_uuid() -> uuid.UUID:
    """A random UUID (version 4) from a fast, not cryptographically secure generator: never use it for secrets."""
    return uuid.UUID(int=random.getrandbits(128), version=4)
