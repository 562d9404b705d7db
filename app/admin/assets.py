"""Styles, scripts and icons: the hub serves them all, under an address that changes with their content."""

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
    """What the present files hash to; modules and styles that name each other share it."""
    digest = hashlib.sha256()
    for path in sorted(path for path in FOLDER.rglob("*") if path.is_file()):
        digest.update(path.relative_to(FOLDER).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def asset(name: str) -> str:
    """The address of a file."""
    return url_for("admin.assets.file", wanted=version(), name=name)


def icon(name: str) -> str:
    """The address of an icon.

    Raises:
        KeyError: no icon of ``vendor_assets.ICONS`` has this name.
    """
    if name not in ICONS:
        raise KeyError(name)
    return f"{asset('vendor/icons.svg')}#{name}"


@blp.get("/<wanted>/<path:name>")
@public
def file(wanted: str, name: str) -> Response:
    """A file; a browser that asks for another version's address asks again soon."""
    answer: Response = send_from_directory(FOLDER, name, max_age=_YEAR if wanted == version() else _MINUTE)
    answer.cache_control.public = True
    answer.cache_control.immutable = wanted == version()
    return answer
