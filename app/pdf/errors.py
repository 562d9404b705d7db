"""Errors of the rendering whose texts may be shown to a user."""

from __future__ import annotations


class PdfNotMade(Exception):
    """The document cannot be rendered; the text tells the user why."""
