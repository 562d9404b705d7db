"""The users who have a chain, for the choice of an administrator."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from app.accounts.models.accounts import User
from app.evidence.models import EvidenceChain
from app.extensions import db

#: Users that a page offers.
MAX_OWNERS = 200


def list_owners() -> Sequence[User]:
    """The users who have a chain, by name."""
    query = select(User).join(EvidenceChain, EvidenceChain.owner_id == User.id)
    return list(db.session.scalars(query.order_by(User.name, User.id).limit(MAX_OWNERS)))
