"""Answers with a file: the whole, one range of bytes, or 304 (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re

from flask import Response, request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_date

from app.kernel.errors import RangeNotSatisfiable

_ONE_RANGE = re.compile(r"bytes\s*=\s*(\d{0,1000})-(\d{0,1000})", re.ASCII | re.IGNORECASE)


def apply_conditions(answer: Response) -> Response:
    """Reduce ``answer``, which has the whole file and its tag, to what the headers of the request ask for.

    Raises:
        RangeNotSatisfiable: the requested range begins behind the end.
    """
    environ = {name: value for name, value in request.environ.items() if name not in {"HTTP_RANGE", "HTTP_IF_RANGE"}}
    size = answer.content_length or 0
    # The caller's copy comes first: if it is current, the answer is 304, whatever range was asked for.
    if not request.if_none_match.contains_weak(answer.get_etag()[0] or ""):
        try:
            part = _requested_range(size, answer.headers)
        except RangeNotSatisfiable:
            answer.close()
            raise
        if part is not None:
            # Werkzeug reads the header too, but it refuses what RFC 9110 lets a server ignore.
            environ["HTTP_RANGE"] = f"bytes={part[0]}-{part[1]}"
    answer.make_conditional(environ, accept_ranges=True, complete_length=size)
    return answer


def sent_range(answer: Response, size: int) -> tuple[int, int] | None:
    """From which byte to before which one ``answer`` sends of a file of ``size`` bytes; None if it sends none."""
    if request.method == "HEAD" or answer.status_code not in {200, 206}:
        return None
    part = answer.content_range
    return (part.start or 0, part.stop or size) if part and part.units else (0, size)


def _requested_range(size: int, headers: Headers) -> tuple[int, int] | None:
    """First and last byte of the requested range of a file with these answer ``headers``; None for the whole file.

    Several ranges, other units, unreadable ranges and an ``If-Range`` that is not exactly this file mean the whole.

    Raises:
        RangeNotSatisfiable: the range begins behind the end.
    """
    asked = _ONE_RANGE.fullmatch(request.headers.get("Range", "").strip())
    if asked is None or request.method != "GET" or not _is_same_file(headers):
        return None
    first, last = asked[1], asked[2]
    if first:
        start, end = int(first), min(int(last or size), size - 1)
        if last and int(last) < start:
            return None
    elif last:
        start, end = max(size - int(last), 0), size - 1
    else:
        return None
    if start >= size:
        raise RangeNotSatisfiable(headers={"Content-Range": f"bytes */{size}"})
    return start, end


def _is_same_file(headers: Headers) -> bool:
    """Whether ``If-Range`` is missing, or exactly the strong tag or the date of the file."""
    condition = request.headers.get("If-Range", "").strip()
    if not condition or condition == headers["ETag"]:
        return True
    date = parse_date(condition)
    return date is not None and date == parse_date(headers["Last-Modified"])
