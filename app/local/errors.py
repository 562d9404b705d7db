"""Error of the local run, shown to the user as one line."""

from __future__ import annotations

import errno


class LocalRunError(Exception):
    """The hub cannot start or continue; the message is the line that the user reads."""


def describe_os_error(error: OSError) -> str:
    """Describe an error of the operating system in one line."""
    place = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full{place}: make room, then start again."
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Not allowed to write or read{place}: {error.strerror}."
    return f"{error.strerror or error}{place}."
