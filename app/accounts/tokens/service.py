"""Scoped tokens: create, rotate, revoke, change limits, list; a token never has more abilities than its user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Select, func, select
from sqlalchemy.orm import contains_eager, joinedload

from app.accounts import audit
from app.accounts.credentials import ip_allowlist
from app.accounts.display_names import NAME_RULE, is_name
from app.accounts.errors import TokenEnded, TooManyTokens, UnknownToken
from app.accounts.models.accounts import User
from app.accounts.models.tokens import (
    DEFAULT_CALLS_PER_MINUTE,
    DEFAULT_LIFETIME,
    DEFAULT_STATUS_CALLS_PER_MINUTE,
    LIFETIMES,
    MAX_CALLS_PER_MINUTE,
    AccessToken,
)
from app.accounts.ownership import Scope, lock_user
from app.accounts.roles import ABILITIES, ROLES
from app.accounts.tokens.format import PREFIX, hash_token, new_public_id, new_token
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Code, Message
from app.kernel.pagination.keyset import Order, Page, page_by_keyset
from app.kernel.pagination.walk import QuerySource
from app.kernel.text.plain_letters import contains_folded

#: Grace period after a rotation, in which the old secret still works: default and maximum.
DEFAULT_GRACE, MAX_GRACE = timedelta(hours=24), timedelta(days=30)
#: Period before the expiry in which the pages show a warning.
EXPIRY_WARNING = timedelta(days=30)


def create(
    user: User,
    *,
    name: str,
    abilities: Sequence[str],
    actor: str,
    days: int = DEFAULT_LIFETIME,
    allowlist: Sequence[str] = (),
    calls: int = DEFAULT_CALLS_PER_MINUTE,
    status_calls: int = DEFAULT_STATUS_CALLS_PER_MINUTE,
) -> tuple[AccessToken, str]:
    """Create a token for ``user``. The second value is the token itself; only its hash is stored.

    Raises:
        Invalid: errors by field; abilities that the role of ``user`` lacks are named.
        TooManyTokens: the user has as many as ``TOKENS_PER_USER``.
    """
    errors = dict(_token_errors(user, name=name, abilities=abilities, days=days)) | _rate_errors(calls, status_calls)
    _require_valid(errors, user)
    now, public_id = clock.now(), new_public_id()
    plain = new_token(public_id)
    token = AccessToken(
        user_id=user.id,
        user=user,
        name=name,
        public_id=public_id,
        secret_hash=hash_token(plain),
        abilities=sorted(set(abilities)),
        allowlist=ip_allowlist.parse_networks(allowlist),
        lifetime_days=days,
        calls_per_minute=calls,
        status_calls_per_minute=status_calls,
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    db.session.add(token)
    db.session.flush()
    _record_audit("token.created", token, actor, abilities=token.abilities, allowlist=token.allowlist, days=days)
    return token, plain


def rotate(token_id: int, *, scope: Scope, actor: str, grace: timedelta = DEFAULT_GRACE) -> tuple[AccessToken, str]:
    """Give a token a new secret and its full lifetime again; the old secret works for ``grace``.

    Id, public id, abilities and limits of the token do not change.

    Raises:
        UnknownToken: there is no such token within ``scope``.
        TokenEnded: the token has expired or was revoked, or its user is inactive.
        Invalid: the grace period is negative or too long.
    """
    if not timedelta() <= grace <= MAX_GRACE:
        raise Invalid({"grace": [Message(N_("Use 0 to %(n)s hours."), n=MAX_GRACE.days * 24)]})
    token, now = find(token_id, scope=scope, lock=True), clock.now()
    if token.revoked_at or token.expires_at <= now or not token.user.is_active:
        raise TokenEnded
    plain = new_token(token.public_id)
    token.previous_hash, token.previous_until = token.secret_hash, min(now + grace, token.expires_at)
    token.secret_hash, token.rotated_at = hash_token(plain), now
    token.expires_at = now + timedelta(days=token.lifetime_days)
    _record_audit("token.rotated", token, actor, old_secret_until=clock.iso(token.previous_until))
    return token, plain


def revoke(token_id: int, *, scope: Scope, actor: str) -> AccessToken:
    """Revoke a token: it stops working at once.

    Raises:
        UnknownToken: there is no such token within ``scope``.
    """
    token = find(token_id, scope=scope, lock=True)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        _record_audit("token.revoked", token, actor)
    return token


def change_limits(
    token_id: int,
    *,
    calls: int,
    status_calls: int,
    allowlist: Sequence[str] | None = None,
    scope: Scope,
    actor: str,
) -> AccessToken:
    """Change the rate limits of a token and, unless it is None, its allowlist; they apply from the next request.

    Raises:
        UnknownToken: there is no such token within ``scope``.
        Invalid: a limit is out of range, or an entry of the allowlist is no address.
    """
    if errors := _rate_errors(calls, status_calls):
        raise Invalid(errors)
    token = find(token_id, scope=scope, lock=True)
    before = _limits_of(token)
    token.calls_per_minute, token.status_calls_per_minute = calls, status_calls
    if allowlist is not None:
        token.allowlist = ip_allowlist.parse_networks(allowlist)
    _record_audit("token.limits_changed", token, actor, before=before, **_limits_of(token))
    return token


def find(token_id: int, *, scope: Scope, lock: bool = False) -> AccessToken:
    """Find one token with its user.

    Raises:
        UnknownToken: there is no such token within ``scope``.
    """
    query = _tokens(scope).where(AccessToken.id == token_id)
    if lock:
        query = query.with_for_update(of=AccessToken).execution_options(populate_existing=True)
    token: AccessToken | None = db.session.scalar(query)
    if token is None:
        raise UnknownToken
    return token


def find_page(paging: dict[str, Any], *, scope: Scope) -> Page:
    """Tokens with their users, newest first."""
    return page_by_keyset(
        _scoped(scope), Order((AccessToken.id,), descending=True), paging, options=(joinedload(AccessToken.user),)
    )


def source(filters: Mapping[str, Any], *, scope: Scope) -> QuerySource:
    """The tokens with their users, for a page; ``search`` is a part of the name or of the user's address."""
    query, search = _scoped(scope), filters.get("search")
    if search:
        of_users = select(User.id).where(contains_folded(User.email, search))
        query = query.where(contains_folded(AccessToken.name, search) | AccessToken.user_id.in_(of_users))
    return QuerySource(
        query, {"created": Order((AccessToken.id,))}, "-created", options=(joinedload(AccessToken.user),)
    )


def list_tokens(*, scope: Scope) -> list[AccessToken]:
    """All tokens with their users, newest first."""
    return list(db.session.scalars(_tokens(scope).order_by(AccessToken.id.desc())))


def expiring_tokens(*, scope: Scope, limit: int = 20) -> list[AccessToken]:
    """Valid tokens that expire within 30 days, the earliest first."""
    now = clock.now()
    expiring = AccessToken.revoked_at.is_(None), AccessToken.expires_at.between(now, now + EXPIRY_WARNING)
    return list(db.session.scalars(_tokens(scope).where(*expiring).order_by(AccessToken.expires_at).limit(limit)))


def effective_abilities(token: AccessToken) -> frozenset[str]:
    """Abilities of a token now: those granted that the role of its user still has."""
    return ROLES[token.user.role].intersection(token.abilities)


def shown_prefix(token: AccessToken) -> str:
    """The readable beginning of a token, by which people recognise it."""
    return f"{PREFIX}{token.public_id}_"


def _require_valid(errors: dict[str, list[str]], user: User) -> None:
    if errors:
        raise Invalid(errors)
    lock_user(user.id)
    valid = AccessToken.revoked_at.is_(None), AccessToken.expires_at > clock.now()
    query = select(func.count()).select_from(AccessToken).where(AccessToken.user_id == user.id, *valid)
    if (db.session.scalar(query) or 0) >= current_app.config["TOKENS_PER_USER"]:
        raise TooManyTokens


def _tokens(scope: Scope) -> Select[tuple[AccessToken]]:
    return _scoped(scope).join(AccessToken.user).options(contains_eager(AccessToken.user))


def _scoped(scope: Scope) -> Select[tuple[AccessToken]]:
    query = select(AccessToken)
    return query if scope is None else query.where(AccessToken.user_id == scope)


def _token_errors(user: User, *, name: str, abilities: Sequence[str], days: int) -> Iterator[tuple[str, list[str]]]:
    if not is_name(name):
        yield "name", [NAME_RULE]
    if not user.is_active:
        yield "user", [N_("This user is inactive.")]
    if days not in LIFETIMES:
        yield "days", [Message(N_("Must be one of: %(choices)s."), choices=", ".join(map(str, LIFETIMES)))]
    if errors := list(_ability_errors(user, abilities)):
        yield "abilities", errors


def _ability_errors(user: User, abilities: Sequence[str]) -> Iterator[str]:
    if not abilities:
        yield N_("Choose at least one.")
    for ability in sorted(set(abilities) - ROLES[user.role]):
        if ability in ABILITIES:
            yield Message(N_("The role %(role)s does not have it: %(ability)s."), role=Code(user.role), ability=ability)
        else:
            yield Message(N_("Unknown: %(ability)s."), ability=ability)


def _rate_errors(calls: int, status_calls: int) -> dict[str, list[str]]:
    rates = {"calls": calls, "status_calls": status_calls}
    rule = Message(N_("Use 1 to %(n)s calls per minute."), n=MAX_CALLS_PER_MINUTE)
    return {name: [rule] for name, rate in rates.items() if not 1 <= rate <= MAX_CALLS_PER_MINUTE}


def _limits_of(token: AccessToken) -> dict[str, Any]:
    rates = {"calls": token.calls_per_minute, "status_calls": token.status_calls_per_minute}
    return {**rates, "allowlist": token.allowlist}


def _record_audit(action: str, token: AccessToken, actor: str, **details: Any) -> None:
    identity: dict[str, Any] = {"name": token.name, "public_id": token.public_id, "user": token.user_id}
    audit.record(action, actor=actor, subject=f"token:{token.id}", **identity, **details)
