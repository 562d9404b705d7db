"""Search of the API call log: caller, method, path, status, duration, address."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marshmallow import fields, post_load, validate
from sqlalchemy import ColumnElement, literal, select

from app.accounts.models.accounts import ApiCall, ApiKey, User
from app.accounts.models.tokens import AccessToken
from app.accounts.ownership import Scope
from app.accounts.principals import credential_ids
from app.extensions import db
from app.kernel import clock
from app.kernel.messages import N_
from app.kernel.pagination.keyset import KeysetQuery, Order, page_by_keyset
from app.kernel.pagination.walk import QuerySource
from app.kernel.schemas import validators
from app.kernel.schemas.fields import Identifier, Text
from app.kernel.schemas.period_filters import PeriodFilters

#: Period of a search without ``since``; a search for rare calls must not read all 90 days.
DEFAULT_SPAN = timedelta(days=7)
#: Rows of a log that a page counts; each may lie in a block of its own, and nobody reads that many.
MAX_COUNTED_RECORDS = 1_000
_ORDER = Order((ApiCall.created_at, ApiCall.id), descending=True)
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class CallQuery(PeriodFilters, KeysetQuery):
    """Filters of the call log; a call must match all of them."""

    credential = Identifier(100, metadata={"description": "`token:5`, `api_key:7` or `user:3`."})
    method = fields.String(validate=validators.OneOf(METHODS))
    path = Text(200, metadata={"description": "Beginning of the path."})
    status = fields.String(
        validate=validate.Regexp(r"[1-5](\d\d|xx)$", error=N_("Use a status such as 404, or a class such as 4xx."))
    )
    address = Identifier(45)
    request_id = Identifier(128)
    slower_than = fields.Float(validate=validators.Range(0, 1e9), metadata={"description": "Milliseconds."})

    @post_load
    def _default_since(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "since" not in data:
            data["since"] = data.get("until", clock.now()) - DEFAULT_SPAN
        return data


@dataclass(frozen=True, slots=True)
class CallPage:
    """Calls, newest first; ``callers`` maps their credentials to names; ``next`` is the URL of the next older page."""

    calls: list[ApiCall]
    callers: dict[str, str]
    next: str | None


def search(query: Mapping[str, Any], *, scope: Scope) -> CallPage:
    """Find the calls within ``scope`` that match ``query``, including those made with tokens of the user.

    Raises:
        Invalid: the cursor does not belong to this list.
    """
    page = page_by_keyset(select(ApiCall).where(*_conditions(query, scope)), _ORDER, query)
    return CallPage(page.results, credential_names({call.credential for call in page.results}), page.next)


def source(filters: Mapping[str, Any], *, scope: Scope) -> QuerySource:
    """The calls within ``scope`` that match ``filters``, for a page."""
    orders = {"created": Order(_ORDER.columns)}
    query = select(ApiCall).where(*_conditions(filters, scope))
    return QuerySource(query, orders, "-created", count_limit=MAX_COUNTED_RECORDS)


def credential_names(credentials: Collection[str]) -> dict[str, str]:
    """Map each credential to the name of its token or key, or to the e-mail address; deleted ones are left out."""
    names: dict[str, str] = {}
    for kind, model, column in (
        ("token", AccessToken, AccessToken.name),
        ("api_key", ApiKey, ApiKey.name),
        ("user", User, User.email),
    ):
        ids = credential_ids(kind, credentials)
        rows = db.session.execute(select(model.id, column).where(model.id.in_(ids))) if ids else ()
        names |= {f"{kind}:{row_id}": name for row_id, name in rows}
    return names


def _conditions(query: Mapping[str, Any], scope: Scope) -> list[ColumnElement[bool]]:
    exact = {"credential", "method", "address", "request_id"}
    conditions = [getattr(ApiCall, name) == query[name] for name in sorted(exact & query.keys())]
    conditions.append(ApiCall.created_at >= query["since"])
    if scope is not None:
        conditions.append(ApiCall.user_id == scope)
    if "until" in query:
        conditions.append(ApiCall.created_at < query["until"])
    if "path" in query:
        conditions.append(ApiCall.path.startswith(query["path"], autoescape=True))
    if "slower_than" in query:
        conditions.append(ApiCall.milliseconds > query["slower_than"])
    if "status" in query:
        conditions.append(_status_condition(query["status"]))
    return conditions


def _status_condition(status: str) -> ColumnElement[bool]:
    if status.endswith("xx"):
        lowest = int(status[0]) * 100
        return ApiCall.status.between(_literal(lowest), _literal(lowest + 99))
    return ApiCall.status == _literal(int(status))


def _literal(status: int) -> ColumnElement[int]:
    """A status that stands in the text of the statement: with a parameter the planner does not find ``…_errors``."""
    return literal(status, literal_execute=True)
