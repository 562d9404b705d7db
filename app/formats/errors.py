"""Errors of the readers, and of code lists."""

from __future__ import annotations


class UnreadableDocument(Exception):
    """The bytes are no invoice of a known format, or break a limit of the readers.

    ``message`` is an id for translation, or a ``Message`` with values.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[type[UnreadableDocument], tuple[str]]:
        return type(self), (self.message,)  # a child process sends it to its parent


class MissingCodeList(RuntimeError):
    """A package whose code lists the formats need is not installed."""
