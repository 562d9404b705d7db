"""Response headers of the OpenAPI document, and the answers of files: parts, not modified, range not satisfiable."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def _header(description: str, kind: str = "string") -> Json:
    return {"description": description, "schema": {"type": kind}}


COMPONENTS: Json = {
    "X-Request-Id": _header("The id of the request: the one that was sent, or a new one. It is in every log line."),
    "X-RateLimit-Limit": _header("Requests per minute, if the credential has a limit.", "integer"),
    "X-RateLimit-Remaining": _header("Requests that are left in this minute.", "integer"),
    "X-RateLimit-Reset": _header("When the count starts again, in seconds since 1970.", "integer"),
    "Retry-After": _header("Seconds to wait before the next attempt.", "integer"),
    "WWW-Authenticate": _header("The scheme of the credential that is missing or refused."),
    "Idempotent-Replayed": _header("`true` if this is the stored answer of an earlier request with the same key."),
    "Location": _header("The path of the new resource."),
    "ETag": _header("The version of the file, for `If-None-Match` and `If-Range`."),
    "Accept-Ranges": _header("`bytes`: `Range` is supported."),
    "Content-Range": _header("The bytes that are sent and the size of the file."),
}
_LIMITS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
_FILE = ("ETag", "Accept-Ranges")
#: Contents that are files, with an ETag and ranges.
_FILES = frozenset({"application/pdf", "application/xml"})


def add_headers(responses: Json, *, idempotent: bool) -> None:
    """Add the headers of every answer to the ``responses`` of an operation, and the further answers of a file."""
    if _FILES & set(responses.get("200", {}).get("content", {})):
        _add_file_answers(responses)
    limited = "429" in responses
    for status, answer in responses.items():
        names = ["X-Request-Id"]
        if limited:
            names += _LIMITS
        if status == "401":
            names.append("WWW-Authenticate")
        if status in {"429", "503"}:
            names.append("Retry-After")
        if status == "416":
            names.append("Content-Range")
        if idempotent and status.startswith("2"):
            names.append("Idempotent-Replayed")
        answer["headers"] = {**answer.get("headers", {}), **_references(*names)}


def _references(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


#: For ``blp.response(201, …, headers=LOCATION)``.
LOCATION = _references("Location")


def _add_file_answers(responses: Json) -> None:
    whole = responses["200"]
    whole["headers"] = _references(*_FILE)
    responses["206"] = {
        "description": "The part that `Range` asks for.",
        "content": {name: {**content} for name, content in whole["content"].items()},
        "headers": _references(*_FILE, "Content-Range"),
    }
    responses["304"] = {"description": "The version that `If-None-Match` names.", "headers": _references(*_FILE)}
