"""Security headers of every answer: nobody stores it, and no browser guesses another type for it."""

from __future__ import annotations

from flask import Flask, Response

#: Answers hold tokens and personal data. Files that may be stored, such as styles and PDFs, set ``Cache-Control``.
DEFAULTS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def register(app: Flask) -> None:
    """Add the headers to every answer of ``app`` that does not set them itself."""
    app.after_request(_add_headers)


def _add_headers(answer: Response) -> Response:
    headers = answer.headers
    for name, value in DEFAULTS.items():
        if name not in headers:
            headers.add(name, value)
    return answer
