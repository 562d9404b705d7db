"""What people are told about their modules: which run, how long, and which are about to end."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select

from app.accounts.modules import MODULES, ModuleGrant
from app.extensions import db
from app.kernel import clock

State = Literal["off", "planned", "on", "over"]
#: Days before the end from which a banner says so, and each time more urgently.
WARNING_DAYS = (30, 7, 1)
#: An end is shown for as long as somebody may wonder why nothing works any more.
SHOWN_AFTER_END = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ModuleStatus:
    """One module of one user at this moment; every module has one, bought or not."""

    user_id: int
    module: str
    state: State
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    #: Days that are left, begun ones counted; None unless it is on.
    days_left: int | None = None

    @property
    def warning(self) -> int | None:
        """The step of the warning that is due, in days before the end (30, 7 or 1); 0 when it is over, else None."""
        if self.state == "over" and self.ends_at and self.ends_at > clock.now() - SHOWN_AFTER_END:
            return 0
        if self.days_left is None:
            return None
        return min((step for step in WARNING_DAYS if self.days_left <= step), default=None)


def status_of(user_id: int) -> list[ModuleStatus]:
    """Every module that there is, as it stands for a user."""
    return status_of_users([user_id])[user_id]


def warnings(user_id: int) -> list[ModuleStatus]:
    """What a banner has to say to a user, the most urgent first."""
    due = [licence for licence in status_of(user_id) if licence.warning is not None]
    return sorted(due, key=lambda licence: licence.ends_at or clock.now())


def status_of_users(user_ids: Sequence[int]) -> dict[int, list[ModuleStatus]]:
    """Every module as it stands for each of these users."""
    grants: dict[int, list[ModuleGrant]] = {user_id: [] for user_id in user_ids}
    for grant in db.session.scalars(select(ModuleGrant).where(ModuleGrant.user_id.in_(user_ids))):
        grants[grant.user_id].append(grant)
    return {user_id: _statuses(user_id, bought) for user_id, bought in grants.items()}


def _statuses(user_id: int, grants: Iterable[ModuleGrant]) -> list[ModuleStatus]:
    by_module = {grant.module: grant for grant in grants}
    return [_status(user_id, module, by_module.get(module)) for module in MODULES]


def _status(user_id: int, module: str, grant: ModuleGrant | None) -> ModuleStatus:
    moment = clock.now()
    # A period without length is what a grant that was never sold leaves behind.
    if grant is None or grant.ends_at - grant.starts_at <= timedelta(seconds=1):
        return ModuleStatus(user_id, module, "off")
    if grant.starts_at > moment:
        return ModuleStatus(user_id, module, "planned", grant.starts_at, grant.ends_at)
    if grant.ends_at <= moment:
        return ModuleStatus(user_id, module, "over", grant.starts_at, grant.ends_at)
    left = math.ceil((grant.ends_at - moment) / timedelta(days=1))
    return ModuleStatus(user_id, module, "on", grant.starts_at, grant.ends_at, left)
