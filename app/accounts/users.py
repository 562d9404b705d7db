"""Users: made, found, changed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import or_, select, update

from app.accounts import audit, passwords
from app.accounts.display_names import NAME_RULE, is_name
from app.accounts.errors import EmailTaken, LastAdmin, UnknownUser
from app.accounts.models.accounts import LoginSession, User
from app.accounts.roles import ROLES
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.pagination.offset import Page, PageQuery, paginate
from app.kernel.schemas.fields import Text

MAX_EMAIL_LENGTH = 254
#: Only a slip of the pen is caught; whether mail arrives, no pattern knows.
_EMAIL = re.compile(r"[^@\s\0]+@[^@\s\0]+")
_ROLE_RULE = Message(N_("Must be one of: %(choices)s."), choices=", ".join(ROLES))


def create_user(*, email: str, password: str, role: str, name: str, actor: str) -> User:
    """Make a user.

    Raises:
        Invalid: what is wrong with which of them.
        EmailTaken: the address already has a user.
    """
    email = email.strip().lower()
    if faults := dict(_user_errors(email=email, password=password, role=role, name=name)):
        raise Invalid(faults)
    if find_user(email):
        raise EmailTaken
    user = User(email=email, name=name, role=role, password_hash=passwords.hash_password(password))
    db.session.add(user)
    db.session.flush()
    audit.record("user.created", actor=actor, subject=f"user:{user.id}", email=email, role=role)
    return user


def _user_errors(*, email: str, password: str, role: str, name: str) -> Iterator[tuple[str, list[str]]]:
    if len(email) > MAX_EMAIL_LENGTH or not _EMAIL.fullmatch(email):
        yield "email", [Message(N_("Expected an e-mail address of at most %(n)s characters."), n=MAX_EMAIL_LENGTH)]
    if faults := list(_password_errors(password)):
        yield "password", faults
    if role not in ROLES:
        yield "role", [_ROLE_RULE]
    if not is_name(name):
        yield "name", [NAME_RULE]


def _password_errors(password: str) -> Iterator[str]:
    if not passwords.MIN_LENGTH <= len(password) <= passwords.MAX_LENGTH:
        yield Message(N_("Use %(min)s to %(max)s characters."), min=passwords.MIN_LENGTH, max=passwords.MAX_LENGTH)


def find_user(email: str) -> User | None:
    """The user with this address, in whatever case it is written."""
    found: User | None = db.session.scalar(select(User).where(User.email == email.strip().lower()))
    return found


def reset_password(user: User, *, actor: str) -> str:
    """Give a user a made-up password, which is shown to whoever asked, once."""
    password = passwords.generate_password()
    change_password(user, password, actor=actor)
    return password


def change_password(user: User, password: str, *, actor: str) -> None:
    """Give a user another password and end all sessions of the old one.

    Raises:
        Invalid: it is too short or too long.
    """
    if faults := list(_password_errors(password)):
        raise Invalid({"password": faults})
    user.password_hash = passwords.hash_password(password)
    _end_sessions(user, "password changed")
    audit.record("user.password_changed", actor=actor, subject=f"user:{user.id}")


def change_own_password(user: User, *, present: str, password: str) -> None:
    """The same for oneself, who must know the present one: a browser that was left open is not enough.

    Raises:
        Invalid: the present password is wrong, or the new one is too short or too long.
    """
    if not passwords.verify_password(user.password_hash, present):
        raise Invalid({"present": [N_("This is not your present password.")]})
    change_password(user, password, actor=f"user:{user.id}")


def save_preferences(user: User, *, language: str | None, theme: str) -> None:
    """Keep how a user wants the pages; ``None`` follows the browser's language."""
    user.language, user.theme = language, theme


def nobody_signed_in_yet() -> bool:
    """Whether nobody has ever signed in: whoever looks for the first time is told how."""
    return db.session.scalar(select(User.id).where(User.last_login_at.is_not(None)).limit(1)) is None


def set_active(user: User, active: bool, *, actor: str) -> None:
    """Let a user in again, or keep the user out from now on; open sessions end and stay ended.

    Raises:
        LastAdmin: nobody would be left to let anybody in.
    """
    if not active:
        _require_another_admin(user)
    user.is_active = active
    if not active:
        _end_sessions(user, "user deactivated")
    audit.record("user.activated" if active else "user.deactivated", actor=actor, subject=f"user:{user.id}")


def set_role(user: User, role: str, *, actor: str) -> None:
    """Give a user another role; what it lacks, the user's tokens lack at once.

    Raises:
        Invalid: no such role.
        LastAdmin: nobody would be left to manage users.
    """
    if role not in ROLES:
        raise Invalid({"role": [_ROLE_RULE]})
    if role == user.role:
        return
    _require_another_admin(user)
    before, user.role = user.role, role
    audit.record("user.role_changed", actor=actor, subject=f"user:{user.id}", before=before, role=role)


def _require_another_admin(user: User) -> None:
    """Two admins who remove each other at once are taken one after the other."""
    active_admins = select(User.id).where(User.role == "admin", User.is_active).order_by(User.id).with_for_update()
    ids = db.session.scalars(active_admins).all()
    if list(ids) == [user.id]:
        raise LastAdmin


def _end_sessions(user: User, because: str) -> None:
    open_ones = update(LoginSession).where(LoginSession.user_id == user.id, LoginSession.revoked_at.is_(None))
    db.session.execute(open_ones.values(revoked_at=clock.now(), revoked_because=because))


def get_user_by_email(email: str) -> User:
    """The user with this address.

    Raises:
        UnknownUser: nobody has it.
    """
    user = find_user(email)
    if user is None:
        raise UnknownUser
    return user


def find(user_id: int) -> User:
    """The user with this id.

    Raises:
        UnknownUser: nobody has it.
    """
    user: User | None = db.session.get(User, user_id)
    if user is None:
        raise UnknownUser(N_("No such user."))
    return user


def list_users() -> list[User]:
    """All users, by address."""
    return list(db.session.scalars(select(User).order_by(User.email)))


class UserQuery(PageQuery):
    """A list of users, narrowed by ``search``."""

    search = Text(100, load_default="")


def find_page(paging: dict[str, Any]) -> Page:
    """Users whose address or name holds ``search``, newest first."""
    query, search = select(User), paging["search"]
    if search:
        query = query.where(or_(*(column.icontains(search, autoescape=True) for column in (User.email, User.name))))
    return paginate(query, User.id, paging)
