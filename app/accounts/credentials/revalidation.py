"""Current abilities of credentials that passed the guard earlier, for connections that stay open (streams)."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.accounts.models.accounts import ApiKey, LoginSession, User
from app.accounts.models.tokens import AccessToken
from app.accounts.principals import credential_ids
from app.accounts.roles import API_KEY, ROLES
from app.accounts.tokens.service import effective_abilities
from app.extensions import db
from app.kernel import clock


def current_abilities(credentials: Collection[str]) -> dict[str, frozenset[str]]:
    """Abilities of each credential now; a revoked, expired or deactivated one has none."""
    found = _user_abilities(credential_ids("user", credentials))
    found |= _token_abilities(credential_ids("token", credentials))
    found |= _key_abilities(credential_ids("api_key", credentials))
    # A key of the environment is valid as long as the process runs.
    found |= {name: API_KEY for name in credentials if name.startswith("api_key:env-")}
    return {name: found.get(name, frozenset()) for name in credentials}


def open_sessions(ids: Collection[str]) -> set[str]:
    """Those of these login sessions that are neither revoked nor expired."""
    if not ids:
        return set()
    session_ids = [uuid.UUID(session_id) for session_id in ids]
    running = LoginSession.revoked_at.is_(None), LoginSession.expires_at > clock.now()
    found = db.session.scalars(select(LoginSession.id).where(LoginSession.id.in_(session_ids), *running))
    return {str(session_id) for session_id in found}


def _user_abilities(ids: list[int]) -> dict[str, frozenset[str]]:
    query = select(User).where(User.id.in_(ids), User.is_active).execution_options(populate_existing=True)
    return {f"user:{user.id}": ROLES[user.role] for user in db.session.scalars(query)} if ids else {}


def _token_abilities(ids: list[int]) -> dict[str, frozenset[str]]:
    if not ids:
        return {}
    usable = (AccessToken.id.in_(ids), AccessToken.revoked_at.is_(None), AccessToken.expires_at > clock.now())
    query = select(AccessToken).where(*usable).options(joinedload(AccessToken.user))
    found = db.session.scalars(query.execution_options(populate_existing=True))
    return {f"token:{token.id}": effective_abilities(token) for token in found if token.user.is_active}


def _key_abilities(ids: list[int]) -> dict[str, frozenset[str]]:
    if not ids:
        return {}
    unexpired = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now())
    query = select(ApiKey.id).where(ApiKey.id.in_(ids), ApiKey.revoked_at.is_(None), unexpired)
    return {f"api_key:{key_id}": API_KEY for key_id in db.session.scalars(query)}
