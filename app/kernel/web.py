"""The Flask application and blueprint that every surface stands on."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, current_app, request
from flask_smorest import Blueprint

from app.kernel.json import HubJsonProvider
from app.kernel.schemas import HubParser
from app.kernel.unit_of_work import unit_of_work


class Hub(Flask):
    """A request is one transaction; a trailing slash is optional, without a redirect."""

    json_provider_class = HubJsonProvider

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.url_map.strict_slashes = False
        self.url_map.merge_slashes = False

    def dispatch_request(self, *args: Any) -> Any:
        # Here and not in ``after_request``, where a failed commit could only become a 500.
        with unit_of_work():
            return super().dispatch_request(*args)


class Surface(Blueprint):
    """A flask-smorest blueprint that parses with the hub's own strictness."""

    ARGUMENTS_PARSER = HubParser()


def takes_bulk(view: Callable[..., Any]) -> Callable[..., Any]:
    """Allow this operation a body of ``MAX_BULK_BYTES``; goes above everything that reads the body."""

    @wraps(view)
    def wide(*args: Any, **kwargs: Any) -> Any:
        request.max_content_length = current_app.config["MAX_BULK_BYTES"]
        return view(*args, **kwargs)

    return wide
