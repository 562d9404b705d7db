"""Endpoint service: create, find, change and delete endpoints, rotate secrets, send a test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Select, delete, func, select, update

from app import events
from app.accounts import audit
from app.accounts.ownership import Scope, lock_user
from app.extensions import db
from app.kernel import clock, json
from app.kernel.errors import Invalid
from app.kernel.messages import N_
from app.kernel.outbound import ssrf
from app.kernel.outbound.shared_secret import generate_secret
from app.kernel.pagination.keyset import Order
from app.kernel.pagination.walk import QuerySource
from app.kernel.secret_box import seal
from app.kernel.text.plain_letters import contains_folded
from app.webhooks.errors import NotYours, TooManyEndpoints, UnknownEndpoint
from app.webhooks.events import TEST
from app.webhooks.models.deliveries import Delivery
from app.webhooks.models.endpoints import Endpoint, Lane

_PLAIN_FIELDS = ("description", "events", "concurrency", "rate_per_minute", "max_body_bytes", "extra")
#: Fields that say what is sent, and where.
#: Values before and after a change are in the audit trail; those of headers are secrets, ``extra`` may be large.
_AUDITED_FIELDS = ("url", "header_names", *(name for name in _PLAIN_FIELDS if name != "extra"))
_DIRECTING_FIELDS = frozenset({"url", "events", "headers", "allowances"})
DELETED = N_("The endpoint was deleted.")


@dataclass(frozen=True, slots=True)
class EndpointWithSecret:
    """An endpoint and its plain secret, which is shown once."""

    endpoint: Endpoint
    secret: str


def create(
    data: Mapping[str, Any], owner_id: int, *, actor: str, may_allow: bool, token_id: int | None = None
) -> EndpointWithSecret:
    """Create an endpoint; only this function and ``rotate`` return the plain secret.

    Made by a token, it has no more rights than this token, and stops with it.

    Raises:
        Invalid: the URL is refused; the message names the IP address and the rule.
        NotYours: ``allowances`` were sent by a caller who is no admin.
        TooManyEndpoints: the user has ``WEBHOOK_ENDPOINTS_PER_USER`` endpoints.
    """
    allowances = _allowances(data, may_allow)
    _check_url(data["url"], allowances)
    _require_place(owner_id)
    secret = generate_secret()
    endpoint = Endpoint(
        owner_id=owner_id,
        token_id=token_id,
        url=data["url"],
        secret=seal(secret.encode()),
        allowances=allowances,
        status="enabled" if data.get("enabled", True) else "disabled",
        reason=None if data.get("enabled", True) else N_("It was made switched off."),
        **{name: data[name] for name in _PLAIN_FIELDS if name in data},
    )
    _set_headers(endpoint, data.get("headers") or {})
    db.session.add(endpoint)
    db.session.flush()
    db.session.add(Lane(endpoint_id=endpoint.id))
    db.session.flush()
    _record("created", endpoint, actor, url=endpoint.url, **({"allowances": allowances} if allowances else {}))
    return EndpointWithSecret(endpoint, secret)


def find(endpoint_id: int, scope: Scope) -> Endpoint:
    """Return an endpoint.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
    """
    return _one(_scoped(scope).where(Endpoint.id == endpoint_id))


def find_for_update(endpoint_id: int, scope: Scope) -> Endpoint:
    """Return an endpoint and lock its row until the commit.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
    """
    return _one(_scoped(scope).where(Endpoint.id == endpoint_id).with_for_update(key_share=True))


def find_page(query: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Return a page of endpoints, newest first."""
    size = query["per_page"]
    selected = _scoped(scope).order_by(Endpoint.id.desc()).limit(size + 1)
    if "status" in query:
        selected = selected.where(Endpoint.status == query["status"])
    if "cursor" in query:
        selected = selected.where(Endpoint.id < query["cursor"])
    rows = list(db.session.scalars(selected))
    next_cursor = rows[size - 1].id if len(rows) > size else None
    return {"data": rows[:size], "meta": {"per_page": size, "next_cursor": next_cursor}}


def source(filters: Mapping[str, Any], scope: Scope) -> QuerySource:
    """The endpoints for a page; ``search`` is a part of the address or of the description."""
    query, search = _scoped(scope), filters.get("search")
    if "status" in filters:
        query = query.where(Endpoint.status == filters["status"])
    if search:
        query = query.where(contains_folded(Endpoint.url, search) | contains_folded(Endpoint.description, search))
    return QuerySource(query, {"created": Order((Endpoint.id,))}, "-created")


def change(
    endpoint_id: int,
    data: Mapping[str, Any],
    scope: Scope,
    *,
    actor: str,
    may_allow: bool,
    token_id: int | None = None,
) -> Endpoint:
    """Change the fields in ``data``; a new URL is validated as at creation.

    Who directs an endpoint elsewhere, or to other events, is the one whose rights it has from then on.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
        Invalid: the URL is refused.
        NotYours: ``allowances`` were sent by a caller who is no admin.
    """
    present = find(endpoint_id, scope)
    allowances = _allowances(data, may_allow, present.allowances)
    if "url" in data or "allowances" in data:
        # Validate before the row is locked: resolving a name takes time, and the relay waits for the lock.
        _check_url(data.get("url", present.url), allowances)
    endpoint = find_for_update(endpoint_id, scope)
    if allowances != endpoint.allowances:
        _record("allowances_changed", endpoint, actor, before=endpoint.allowances, after=allowances)
    endpoint.allowances, before = allowances, audit.state_of(endpoint, _AUDITED_FIELDS)
    if not _DIRECTING_FIELDS.isdisjoint(data):
        endpoint.token_id = token_id
        db.session.flush()
        db.session.expire(endpoint, ["token_ends_at"])
    for name in ("url", *_PLAIN_FIELDS):
        if name in data:
            setattr(endpoint, name, data[name])
    if "headers" in data:
        _set_headers(endpoint, data["headers"] or {})
    endpoint.updated_at = clock.now()
    changed = audit.changes(before, audit.state_of(endpoint, _AUDITED_FIELDS))
    _record("changed", endpoint, actor, fields=sorted(data), changed=changed)
    return endpoint


def remove(endpoint_id: int, scope: Scope, *, actor: str) -> None:
    """Delete an endpoint and its secrets; waiting deliveries are cancelled, finished ones can still be read.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
    """
    endpoint = find_for_update(endpoint_id, scope)
    moment = clock.now()
    endpoint.deleted_at = endpoint.updated_at = moment
    endpoint.status, endpoint.reason, endpoint.probe_at = "disabled", DELETED, None
    endpoint.secret, endpoint.previous_secret, endpoint.headers = b"", None, None
    db.session.execute(delete(Lane).where(Lane.endpoint_id == endpoint.id))
    waiting = update(Delivery).where(Delivery.endpoint_id == endpoint.id, Delivery.state == "pending")
    cancelled = {"state": "cancelled", "claim_id": None, "finished_at": moment, "error": DELETED}
    db.session.execute(waiting.values(cancelled).execution_options(synchronize_session=False))
    _record("deleted", endpoint, actor, url=endpoint.url)


def rotate(endpoint_id: int, grace_hours: int, scope: Scope, *, actor: str) -> EndpointWithSecret:
    """Give an endpoint a new secret; for ``grace_hours`` requests are also signed with the old one.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
    """
    endpoint = find_for_update(endpoint_id, scope)
    secret = generate_secret()
    endpoint.previous_secret = endpoint.secret if grace_hours else None
    endpoint.previous_secret_until = clock.now() + timedelta(hours=grace_hours) if grace_hours else None
    endpoint.secret, endpoint.updated_at = seal(secret.encode()), clock.now()
    _record("secret_rotated", endpoint, actor, grace_hours=grace_hours)
    return EndpointWithSecret(endpoint, secret)


def send_test(endpoint_id: int, scope: Scope) -> Endpoint:
    """Emit a ``webhook.test`` event, which is delivered to this endpoint only, like any other event.

    Raises:
        UnknownEndpoint: no endpoint in this scope has the id.
    """
    endpoint = find(endpoint_id, scope)
    user = {"id": endpoint.owner_id}
    events.emit(TEST, endpoint, subject_id=endpoint.id, owner_id=endpoint.owner_id, user=user)
    return endpoint


def count_open_deliveries(endpoint_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Count the pending and the failed deliveries of each endpoint."""
    query = (
        select(Delivery.endpoint_id, Delivery.state, func.count())
        .where(Delivery.endpoint_id.in_(endpoint_ids), Delivery.state.in_(("pending", "failed")))
        .group_by(Delivery.endpoint_id, Delivery.state)
    )
    counts = {endpoint_id: {"pending": 0, "failed": 0} for endpoint_id in endpoint_ids}
    for endpoint_id, state, count in db.session.execute(query):
        counts[endpoint_id][state] = count
    return counts


def _require_place(owner_id: int) -> None:
    lock_user(owner_id)
    query = select(func.count()).select_from(_scoped(owner_id).subquery())
    if (db.session.scalar(query) or 0) >= current_app.config["WEBHOOK_ENDPOINTS_PER_USER"]:
        raise TooManyEndpoints


def _scoped(scope: Scope) -> Select[Any]:
    query = select(Endpoint).where(Endpoint.deleted_at.is_(None))
    return query if scope is None else query.where(Endpoint.owner_id == scope)


def _one(query: Select[Any]) -> Endpoint:
    found: Endpoint | None = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise UnknownEndpoint
    return found


def _allowances(
    data: Mapping[str, Any], may_allow: bool, present: Sequence[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    if "allowances" not in data:
        return list(present)
    if not may_allow:
        raise NotYours
    return list(data["allowances"])


def _check_url(url: str, allowances: Sequence[Mapping[str, Any]]) -> None:
    try:
        ssrf.resolve_target(ssrf.parse_target(url), allowances)
    except ssrf.AddressError as refused:
        raise Invalid({"url": [refused.message]}) from refused


def _set_headers(endpoint: Endpoint, headers: Mapping[str, str]) -> None:
    endpoint.headers = seal(json.encode(dict(headers))) if headers else None
    endpoint.header_names = sorted(headers)


def _record(action: str, endpoint: Endpoint, actor: str, **details: Any) -> None:
    subject = f"webhook_endpoint:{endpoint.id}"
    audit.record(f"webhook_endpoint.{action}", actor=actor, subject=subject, owner_id=endpoint.owner_id, **details)
