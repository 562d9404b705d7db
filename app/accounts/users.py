"""Users: create, find, list, change password, role, preferences and activation."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, delete, or_, select, update

from app.accounts import audit
from app.accounts.display_names import NAME_RULE, is_name
from app.accounts.errors import EmailTaken, LastAdmin, UnknownUser
from app.accounts.login import attempt_counts, passwords
from app.accounts.models.accounts import LoginSession, User
from app.accounts.models.login_attempts import Invitation
from app.accounts.roles import ROLES
from app.extensions import db
from app.kernel import clock, time_zones
from app.kernel.errors import Invalid
from app.kernel.identifiers import clean_identifier
from app.kernel.messages import N_, Message
from app.kernel.pagination.keyset import KeysetQuery, Order, Page, page_by_keyset
from app.kernel.pagination.walk import QuerySource
from app.kernel.schemas.fields import Identifier
from app.kernel.text.plain_letters import contains_folded

MAX_EMAIL_LENGTH = 254
#: Detects typos only; no pattern can tell whether an address receives mail.
_EMAIL = re.compile(r"[^@\s\0]+@[^@\s\0]+")
#: The first part of the subject under which password attempts at an account are counted.
ACCOUNT = "account"
_ROLE_RULE = Message(N_("Must be one of: %(choices)s."), choices=", ".join(ROLES))


def normalized_email(email: str) -> str:
    """The form in which addresses are stored and compared: a clean identifier in lower case."""
    return clean_identifier(email).lower()


def create_user(*, email: str, password: str | None, role: str, name: str, actor: str) -> User:
    """Create a user; without a password the user needs an invitation to sign in.

    Raises:
        Invalid: errors by field.
        EmailTaken: a user with this address exists.
    """
    email = normalized_email(email)
    if errors := dict(_user_errors(email=email, password=password, role=role, name=name)):
        raise Invalid(errors)
    if find_user(email):
        raise EmailTaken
    password_hash = passwords.NO_PASSWORD if password is None else passwords.hash_password(password)
    user = User(email=email, name=name, role=role, password_hash=password_hash)
    db.session.add(user)
    db.session.flush()
    audit.record("user.created", actor=actor, subject=f"user:{user.id}", email=email, role=role)
    return user


def names_of_credentials(credentials: Iterable[str | None]) -> Mapping[str, str]:
    """Names of the users among credentials as the audit trail writes them (``user:3``); others are left out."""
    ids = [int(found[1]) for each in credentials if (found := re.fullmatch(r"user:(\d{1,9})", each or ""))]
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(ids))) if ids else ()
    return {f"user:{row.id}": row.name for row in rows}


def _user_errors(*, email: str, password: str | None, role: str, name: str) -> Iterator[tuple[str, list[str]]]:
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        yield "email", [Message(N_("Expected an e-mail address of at most %(n)s characters."), n=MAX_EMAIL_LENGTH)]
    if password is not None and (errors := list(_password_errors(password))):
        yield "password", errors
    if role not in ROLES:
        yield "role", [_ROLE_RULE]
    if not is_name(name):
        yield "name", [NAME_RULE]


def _password_errors(password: str) -> Iterator[str]:
    if not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
        yield Message(N_("Use %(min)s to %(max)s characters."), min=passwords.MIN_LENGTH, max=passwords.MAX_LENGTH)


def find_user(email: str) -> User | None:
    """Find a user by e-mail address, in any case."""
    found: User | None = db.session.scalar(select(User).where(User.email == normalized_email(email)))
    return found


def require_valid_password(password: str) -> None:
    """Refuse a password that is too short or too long.

    Raises:
        Invalid: the rule.
    """
    if errors := list(_password_errors(password)):
        raise Invalid({"password": errors})


def reset_password(user: User, *, actor: str) -> str:
    """Set a generated password and return it, so that it can be shown once."""
    password = passwords.generate_password()
    change_password(user, password, actor=actor)
    return password


def change_password(user: User, password: str, *, actor: str) -> None:
    """Set a password, end all sessions and the invitation of the user, and forget failed attempts at the account.

    Raises:
        Invalid: the password is too short or too long.
    """
    require_valid_password(password)
    user.password_hash = passwords.hash_password(password)
    _end_sessions(user, "password changed")
    _end_invitation(user)
    attempt_counts.clear(attempt_counts.subject(ACCOUNT, user.email))
    audit.record("user.password_changed", actor=actor, subject=f"user:{user.id}")


def change_own_password(user: User, *, present: str, password: str) -> None:
    """Change the own password. The present one is required, so that an open browser alone is not enough.

    Raises:
        Invalid: the present password is wrong, or the new one is too short or too long.
    """
    if not passwords.verify_password(user.password_hash, present):
        raise Invalid({"present": [N_("This is not your present password.")]})
    change_password(user, password, actor=f"user:{user.id}")


def save_preferences(user: User, *, language: str | None, time_zone: str | None, theme: str) -> None:
    """Store language, time zone and theme of the pages; ``None`` means that of the browser.

    Raises:
        Invalid: there is no such time zone.
    """
    if time_zone is not None and time_zones.find(time_zone) is None:
        raise Invalid({"time_zone": [time_zones.NO_TIME_ZONE]})
    wanted = {"language": language, "time_zone": time_zone, "theme": theme}
    changed = {name: [getattr(user, name), value] for name, value in wanted.items() if getattr(user, name) != value}
    user.language, user.time_zone, user.theme = language, time_zone, theme
    if changed:
        itself = f"user:{user.id}"
        audit.record("user.preferences_changed", actor=itself, subject=itself, changed=changed)


def choose_list_columns(user: User, name: str, columns: Sequence[str] | None) -> None:
    """Store the columns that a list of the pages shows to the user; None: those of everybody."""
    others = {other: chosen for other, chosen in (user.list_columns or {}).items() if other != name}
    user.list_columns = others if columns is None else {**others, name: list(columns)}


def nobody_signed_in_yet() -> bool:
    """Whether no user has ever signed in; then the login page explains how to."""
    return db.session.scalar(select(User.id).where(User.last_login_at.is_not(None)).limit(1)) is None


def set_active(user: User, active: bool, *, actor: str) -> None:
    """Activate or deactivate a user; deactivation ends all sessions for good.

    Raises:
        LastAdmin: no active admin would remain.
    """
    if not active:
        _require_another_admin(user)
    user.is_active = active
    if not active:
        _end_sessions(user, "user deactivated")
        _end_invitation(user)
    audit.record("user.activated" if active else "user.deactivated", actor=actor, subject=f"user:{user.id}")


def set_role(user: User, role: str, *, actor: str) -> None:
    """Change the role of a user; tokens of the user lose the abilities that the new role lacks.

    Raises:
        Invalid: there is no such role.
        LastAdmin: no active admin would remain.
    """
    if role not in ROLES:
        raise Invalid({"role": [_ROLE_RULE]})
    if role == user.role:
        return
    _require_another_admin(user)
    before, user.role = user.role, role
    audit.record("user.role_changed", actor=actor, subject=f"user:{user.id}", before=before, role=role)


def _require_another_admin(user: User) -> None:
    """Refuse to remove the last active admin; the row locks serialise two admins who remove each other."""
    active_admins = select(User.id).where(User.role == "admin", User.is_active).order_by(User.id).with_for_update()
    ids = db.session.scalars(active_admins).all()
    if list(ids) == [user.id]:
        raise LastAdmin


def _end_sessions(user: User, reason: str) -> None:
    statement = update(LoginSession).where(LoginSession.user_id == user.id, LoginSession.revoked_at.is_(None))
    db.session.execute(statement.values(revoked_at=clock.now(), revoked_because=reason))


def _end_invitation(user: User) -> None:
    db.session.execute(delete(Invitation).where(Invitation.user_id == user.id))


def get_user_by_email(email: str) -> User:
    """Find a user by e-mail address.

    Raises:
        UnknownUser: there is no such user.
    """
    user = find_user(email)
    if user is None:
        raise UnknownUser
    return user


def find(user_id: int) -> User:
    """Find a user by id.

    Raises:
        UnknownUser: there is no such user.
    """
    user: User | None = db.session.get(User, user_id)
    if user is None:
        raise UnknownUser(N_("No such user."))
    return user


def list_users() -> list[User]:
    """All users, ordered by e-mail address."""
    return list(db.session.scalars(select(User).order_by(User.email)))


class UserQuery(KeysetQuery):
    """Query of the list of users, with a text search."""

    search = Identifier(100, load_default="")


def find_page(paging: dict[str, Any]) -> Page:
    """A page of users whose address or name contains ``search``, newest first."""
    return page_by_keyset(_searched(paging["search"]), Order((User.id,), descending=True), paging)


def source(filters: Mapping[str, Any]) -> QuerySource:
    """The users whose address or name contains ``search``, for a page."""
    orders = {"created": Order((User.id,)), "email": Order((User.email,))}
    return QuerySource(_searched(filters.get("search", "")), orders, "-created")


def _searched(search: str) -> Select[Any]:
    query = select(User)
    if search:
        query = query.where(or_(*(contains_folded(column, search) for column in (User.email, User.name))))
    return query
