"""The parser of requests: JSON bodies and query strings are read in the same way on every surface."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import marshmallow as ma
from flask import Request, g
from webargs import core
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import MultiDict

from app.kernel import json
from app.kernel.errors import BadRequest, Invalid, UnsupportedMediaType
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_

#: Charsets that a ``Content-Type`` may name; US-ASCII is a part of UTF-8.
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii", ""})
#: Bodies of other requests mean nothing, so they are not looked at.
METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
#: Name in ``g`` of a body that ``parse_early`` has parsed.
_EARLY = "parsed_body"


class HubParser(FlaskParser):
    """webargs parser with the hub's JSON decoder and errors."""

    DEFAULT_UNKNOWN_BY_LOCATION: Mapping[str, str | None] = {  # type: ignore[assignment]
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "json": None,
        "query": ma.RAISE,  # ignoring a misspelt filter would return everything
    }

    def load_querystring(self, req: Request, schema: ma.Schema) -> Any:
        """Parameters of the query; blank filters of lists count as left out, because forms send every field."""
        filled = _without_blanks(req.args, schema) if req.method in {"GET", "HEAD"} else req.args
        sent = self._makeproxy(filled, schema)
        # webargs would silently use the first value only: a wrong filter, or the wrong receipt deleted.
        repeated = [name for name, values in filled.lists() if len(values) > 1 and name not in sent.multiple_keys]
        if repeated:
            faults = {name: [N_("Send this parameter once.")] for name in repeated}
            raise Invalid(faults, payload=req.args.to_dict(flat=False))
        return sent

    def load_json(self, req: Request, schema: ma.Schema) -> Any:
        """The JSON document of the body; a POST whose fields may all be left out needs no body."""
        raw = req.get_data(cache=True)
        if not raw.removeprefix(json.BYTE_ORDER_MARK).strip():
            if req.method == "POST" and all_optional(schema):
                return {}
            raise BadRequest(N_("The body is empty; send a JSON document."))
        if not core.is_json(req.mimetype):
            raise UnsupportedMediaType
        return g.parsed_body if _EARLY in g else json.parse_strict(raw)

    def handle_error(self, error: ma.ValidationError, req: Request, schema: ma.Schema, **_kwargs: Any) -> NoReturn:
        [(location, messages)] = error.normalized_messages().items()  # type: ignore[no-untyped-call]
        payload = self.load_json(req, schema) if location == "json" else req.args.to_dict()
        raise Invalid(messages, payload=payload) from error


def parse_early(req: Request) -> Any:
    """The JSON document of the body, before a view loads it; it is not parsed a second time.

    Raises:
        MalformedJson: the body is not JSON.
    """
    g.parsed_body = json.parse_strict(req.get_data(cache=True))
    return g.parsed_body


def all_optional(schema: ma.Schema) -> bool:
    """Whether an empty object is a payload of ``schema``."""
    return not schema.many and not any(field.required for field in schema.load_fields.values())


def require_plain_utf8(req: Request) -> None:
    """Refuse a compressed body, and one whose ``Content-Type`` names another charset than UTF-8.

    Raises:
        UnsupportedMediaType: the request has such a body.
    """
    if req.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType(N_("Send the body as it is, without Content-Encoding."))
    charset = req.mimetype_params.get("charset", "").strip().lower().replace("_", "-")
    has_body = bool(req.content_length) or "Transfer-Encoding" in req.headers
    if charset not in _CHARSETS and has_body:
        raise UnsupportedMediaType(N_("The body is in another charset; send UTF-8."))


def _without_blanks(args: MultiDict[str, str], schema: ma.Schema) -> MultiDict[str, str]:
    """``args`` without the blank values of optional parameters."""
    optional = {
        field.data_key or name
        for name, field in schema.load_fields.items()
        if not field.required and not getattr(field, "blank_is_a_value", False)
    }
    sent = args.items(multi=True)
    return MultiDict((name, value) for name, value in sent if name not in optional or clean_identifier(value))
