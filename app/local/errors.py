"""The one way in which starting or running the local hub fails towards a person."""

from __future__ import annotations

import errno


class LocalRunError(Exception):
    """The hub cannot start or go on; the message is the one line that a person reads."""


def describe_os_error(error: OSError) -> str:
    """Say in one line what the operating system refused."""
    place = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full{place}: make room, then start again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Not allowed to write or read{place}: {error.strerror}."
    return f"{error.strerror or error}{place}."
