"""The log of gunicorn: its lines are formatted and masked as all others, and repeat no text of a caller."""

from __future__ import annotations

from typing import Any

from gunicorn.glogging import Logger

#: Beginning of the lines about requests that are no valid HTTP; a quotation mark begins what the caller sent.
_INVALID = "Invalid request from ip="
_QUOTATION_MARKS = "'\""


class ServerLog(Logger):
    """gunicorn's log, through the handlers of the hub instead of handlers of its own.

    What a caller sent may be a secret: a URL with a blank is no valid request, and may have a ticket.
    """

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in list(self.error_log.handlers):
            self.error_log.removeHandler(handler)
        self.error_log.propagate = True

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        super().warning(_without_quotation(msg) if msg.startswith(_INVALID) else msg, *args, **kwargs)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        super().exception(msg, *map(_without_query, args), **kwargs)


def _without_quotation(line: str) -> str:
    positions = [position for mark in _QUOTATION_MARKS if (position := line.find(mark)) >= 0]
    return f"{line[: min(positions)]}…" if positions else line


def _without_query(value: Any) -> Any:
    return value.partition("?")[0] if isinstance(value, str) else value
