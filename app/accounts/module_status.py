"""State of the modules of a user for pages: on, off, planned or over, days left, and warnings before the end."""

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
#: Steps of the warning, in days before the end; a later step is more urgent.
WARNING_DAYS = (30, 7, 1)
#: Time after the end in which the pages still show that the module is over.
SHOWN_AFTER_END = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ModuleStatus:
    """State of one module of one user now; a module that was never enabled has the state ``off``."""

    user_id: int
    module: str
    state: State
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    #: Days left, rounded up; None unless the state is ``on``.
    days_left: int | None = None

    @property
    def warning(self) -> int | None:
        """Current step of the warning: 30, 7 or 1 days before the end, 0 after the end; None when no warning is due."""
        if self.state == "over" and self.ends_at and self.ends_at > clock.now() - SHOWN_AFTER_END:
            return 0
        if self.days_left is None:
            return None
        return min((step for step in WARNING_DAYS if self.days_left <= step), default=None)


def status_of(user_id: int) -> list[ModuleStatus]:
    """State of every module for a user."""
    return status_of_users([user_id])[user_id]


def warnings(user_id: int) -> list[ModuleStatus]:
    """Modules of a user that need a warning, the most urgent first."""
    due = [status for status in status_of(user_id) if status.warning is not None]
    return sorted(due, key=lambda status: status.ends_at or clock.now())


def status_of_users(user_ids: Sequence[int]) -> dict[int, list[ModuleStatus]]:
    """State of every module for each of these users."""
    grants: dict[int, list[ModuleGrant]] = {user_id: [] for user_id in user_ids}
    for grant in db.session.scalars(select(ModuleGrant).where(ModuleGrant.user_id.in_(user_ids))):
        grants[grant.user_id].append(grant)
    return {user_id: _statuses(user_id, rows) for user_id, rows in grants.items()}


def _statuses(user_id: int, grants: Iterable[ModuleGrant]) -> list[ModuleStatus]:
    by_module = {grant.module: grant for grant in grants}
    return [_status(user_id, module, by_module.get(module)) for module in MODULES]


def _status(user_id: int, module: str, grant: ModuleGrant | None) -> ModuleStatus:
    now = clock.now()
    # ``modules._lock_grant`` inserts an ended period of one second for a module that was never enabled.
    if grant is None or grant.ends_at - grant.starts_at <= timedelta(seconds=1):
        return ModuleStatus(user_id, module, "off")
    if grant.starts_at > now:
        return ModuleStatus(user_id, module, "planned", grant.starts_at, grant.ends_at)
    if grant.ends_at <= now:
        return ModuleStatus(user_id, module, "over", grant.starts_at, grant.ends_at)
    days_left = math.ceil((grant.ends_at - now) / timedelta(days=1))
    return ModuleStatus(user_id, module, "on", grant.starts_at, grant.ends_at, days_left)
