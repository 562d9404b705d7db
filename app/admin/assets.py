"""Static files of the pages (styles, scripts, icons), served under a URL that contains a hash of their content."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, send_from_directory, url_for

from app.accounts.guards import public
from app.admin.vendor_assets import ICONS

FOLDER = Path(__file__).parent / "static"
_YEAR, _MINUTE = 365 * 24 * 3600, 60
blp = Blueprint("assets", __name__, url_prefix="/assets")


@cache
def version() -> str:
    """Hash of all static files; one hash for all, because scripts and styles import each other."""
    digest = hashlib.sha256()
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """URL of a static file."""
    return url_for("admin.assets.file", requested_version=version(), name=name)


def icon(name: str) -> str:
    """URL of an icon.

    Raises:
        KeyError: no icon of ``vendor_assets.ICONS`` has this name.
    """
    if name not in ICONS:
        raise KeyError(name)
    return f"{asset('vendor/icons.svg')}#{name}"


@blp.get("/<requested_version>/<path:name>")
@public
def file(requested_version: str, name: str) -> Response:
    """Serve a file; cached for a year under the current version, for a minute under any other."""
    is_current = requested_version == version()
    response: Response = send_from_directory(FOLDER, name, max_age=_YEAR if is_current else _MINUTE)
    response.cache_control.public = True
    response.cache_control.immutable = is_current
    return response
