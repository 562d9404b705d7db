"""Identifiers that must be unique and need not be secret."""

from __future__ import annotations

import random
import uuid


def new_uuid() -> uuid.UUID:
    """A random UUID (version 4) without a call into the system's entropy for each: it names, it guards nothing."""
    return uuid.UUID(int=random.getrandbits(128), version=4)
