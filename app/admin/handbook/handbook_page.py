"""``/admin/help``: the handbook."""

from __future__ import annotations

from flask import Blueprint, render_template

from app.accounts.guards import SIGNED_IN, requires
from app.admin.assets import asset
from app.admin.handbook import chapters, texts
from app.admin.viewer import language
from app.kernel.errors import NotFound

blp = Blueprint("handbook", __name__, url_prefix="/help")


@blp.get("/<name>")
@requires(SIGNED_IN)
def show(name: str) -> str:
    """A chapter, with a list of all chapters.

    Raises:
        NotFound: no chapter has this name.
    """
    chapter = chapters.BY_NAME.get(name)
    if chapter is None:
        raise NotFound
    text = texts.html_of(name, language(), lambda picture: asset(f"handbook/{language()}/{picture}"))
    return render_template("admin/handbook_show.html", chapter=chapter, chapters=chapters.CHAPTERS, text=text)
