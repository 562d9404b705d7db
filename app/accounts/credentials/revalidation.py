"""Current rights of credentials that passed the guard earlier, for what goes on without them: open streams."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.accounts.models.accounts import ApiKey, LoginSession, User
from app.accounts.models.tokens import AccessToken
from app.accounts.principals import credential_ids
from app.accounts.roles import API_KEY, ROLES
from app.accounts.tokens.service import effective_abilities
from app.extensions import db
from app.kernel import clock


@dataclass(frozen=True, slots=True)
class Rights:
    """What a credential may do now: its abilities, the role of its user, and the addresses it may be used from."""

    abilities: frozenset[str] = frozenset()
    role: str | None = None
    allowlist: Sequence[str] = ()

    @property
    def sees_everything(self) -> bool:
        """As ``Principal.sees_everything``."""
        return self.role == "admin"


def current_rights(credentials: Collection[str]) -> dict[str, Rights]:
    """Rights of each credential now; a revoked, expired or deactivated one has none."""
    found = _user_rights(credential_ids("user", credentials))
    found |= _token_rights(credential_ids("token", credentials))
    found |= _key_rights(credential_ids("api_key", credentials))
    # A key of the environment is valid as long as the process runs.
    found |= {name: Rights(API_KEY) for name in credentials if name.startswith("api_key:env-")}
    return {name: found.get(name, Rights()) for name in credentials}


def open_sessions(ids: Collection[str]) -> set[str]:
    """Those of these login sessions that are neither revoked nor expired."""
    if not ids:
        return set()
    session_ids = [uuid.UUID(session_id) for session_id in ids]
    running = LoginSession.revoked_at.is_(None), LoginSession.expires_at > clock.now()
    found = db.session.scalars(select(LoginSession.id).where(LoginSession.id.in_(session_ids), *running))
    return {str(session_id) for session_id in found}


def _user_rights(ids: list[int]) -> dict[str, Rights]:
    query = select(User).where(User.id.in_(ids), User.is_active).execution_options(populate_existing=True)
    return {f"user:{user.id}": Rights(ROLES[user.role], user.role) for user in db.session.scalars(query)} if ids else {}


def _token_rights(ids: list[int]) -> dict[str, Rights]:
    if not ids:
        return {}
    usable = (AccessToken.id.in_(ids), AccessToken.revoked_at.is_(None), AccessToken.expires_at > clock.now())
    query = select(AccessToken).where(*usable).options(joinedload(AccessToken.user))
    found = db.session.scalars(query.execution_options(populate_existing=True))
    return {
        f"token:{token.id}": Rights(effective_abilities(token), token.user.role, token.allowlist)
        for token in found
        if token.user.is_active
    }


def _key_rights(ids: list[int]) -> dict[str, Rights]:
    if not ids:
        return {}
    unexpired = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now())
    query = select(ApiKey.id, ApiKey.allowlist).where(ApiKey.id.in_(ids), ApiKey.revoked_at.is_(None), unexpired)
    return {
        f"api_key:{key_id}": Rights(API_KEY, allowlist=allowlist) for key_id, allowlist in db.session.execute(query)
    }
