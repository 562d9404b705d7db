"""What a credential that was let in earlier may do now: for whoever holds a connection open after the guard."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload

from app.accounts.models.accounts import ApiKey, LoginSession, User
from app.accounts.models.tokens import AccessToken
from app.accounts.roles import API_KEY, ROLES
from app.accounts.tokens.service import effective_abilities
from app.extensions import db
from app.kernel import clock


def current_abilities(credentials: Collection[str]) -> dict[str, frozenset[str]]:
    """The abilities of each of these credentials at this moment; who was shut out has none."""
    found = _user_abilities(_ids("user", credentials)) | _token_abilities(_ids("token", credentials))
    found |= _key_abilities(_ids("api_key", credentials))
    # A key of the environment holds as long as the process does.
    found |= {name: API_KEY for name in credentials if name.startswith("api_key:env-")}
    return {name: found.get(name, frozenset()) for name in credentials}


def open_sessions(ids: Collection[str]) -> set[str]:
    """Those of these sessions that nothing has ended."""
    if not ids:
        return set()
    wanted = [uuid.UUID(number) for number in ids]
    running = LoginSession.revoked_at.is_(None), LoginSession.expires_at > clock.now()
    found = db.session.scalars(select(LoginSession.id).where(LoginSession.id.in_(wanted), *running))
    return {str(number) for number in found}


def _ids(kind: str, credentials: Collection[str]) -> list[int]:
    numbers = [number for found, _, number in (name.partition(":") for name in credentials) if found == kind]
    return [int(number) for number in numbers if number.isdigit()]


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
    lasting = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now())
    query = select(ApiKey.id).where(ApiKey.id.in_(ids), ApiKey.revoked_at.is_(None), lasting)
    return {f"api_key:{number}": API_KEY for number in db.session.scalars(query)}
