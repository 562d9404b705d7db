"""Users: made, found, changed."""

from __future__ import annotations

from sqlalchemy import select

from app.accounts import audit, passwords
from app.accounts.abilities import ROLES
from app.accounts.errors import EmailTaken
from app.accounts.models import User
from app.extensions import db
from app.kernel.errors import Invalid


def create_user(*, email: str, password: str, role: str, name: str, actor: str) -> User:
    """Make a user.

    Raises:
        Invalid: the role is unknown or the password too short.
        EmailTaken: the address already has a user.
    """
    email = email.strip().lower()
    if role not in ROLES:
        raise Invalid({"role": [f"Must be one of: {', '.join(ROLES)}."]})
    _check(password)
    if find_user(email):
        raise EmailTaken
    user = User(email=email, name=name, role=role, password_hash=passwords.hashed(password))
    db.session.add(user)
    db.session.flush()
    audit.record("user.created", actor=actor, subject=f"user:{user.id}", email=email, role=role)
    return user


def change_password(user: User, password: str, *, actor: str) -> None:
    """Give a user another password.

    Raises:
        Invalid: it is too short or too long.
    """
    _check(password)
    user.password_hash = passwords.hashed(password)
    audit.record("user.password_changed", actor=actor, subject=f"user:{user.id}")


def find_user(email: str) -> User | None:
    """The user with this address, in whatever case it is written."""
    found: User | None = db.session.scalar(select(User).where(User.email == email.strip().lower()))
    return found


def list_users() -> list[User]:
    """All users, by address."""
    return list(db.session.scalars(select(User).order_by(User.email)))


def _check(password: str) -> None:
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        raise Invalid({"password": [f"Use {passwords.SHORTEST} to {passwords.LONGEST} characters."]})
