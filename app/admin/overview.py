"""The first page: what came in, what goes on, what needs somebody."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts.guards import SIGNED_IN, requires

blp = Blueprint("overview", __name__)


@blp.get("")
@requires(SIGNED_IN)
def show() -> str:
    """The overview."""
    return render_template("admin/overview.html")
