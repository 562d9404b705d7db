"""Links that leave the hub: whole addresses from paths."""

from __future__ import annotations

from flask import current_app, has_request_context, request


def whole_url(path: str) -> str:
    """The address of a path of the hub for somebody outside.

    ``PUBLIC_URL`` decides; without it the host that the present request used. A worker or a command knows no host then,
    and the result is the path alone: better than an address that nobody can open.
    """
    base: str = current_app.config["PUBLIC_URL"]
    if not base and has_request_context():
        base = request.url_root.rstrip("/")
    return f"{base}{path}"


def public_url(path: str) -> str:
    """The address of a path where ``PUBLIC_URL`` is set, else the path: the same for requests, workers and commands."""
    return f"{current_app.config['PUBLIC_URL']}{path}"
