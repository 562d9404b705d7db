"""``/admin/uploads/…``: how far the work on an uploaded file is, for the page that waits for it."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts.guards import SIGNED_IN, requires
from app.accounts.principals import authenticate
from app.tables.user_files import progress

blp = Blueprint("upload_progress", __name__, url_prefix="/uploads")


@blp.get("/<string:upload_id>")
@requires(SIGNED_IN)
def show(upload_id: str) -> str:
    """The present step and its rows; of another user's upload nothing is known."""
    return render_template("admin/cards/upload_progress.html", progress=progress.find(_user_id(), upload_id))


def _user_id() -> int:
    return authenticate().user_id or 0
