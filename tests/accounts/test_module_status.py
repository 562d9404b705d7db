"""State of modules for pages: on, off, planned, over, days left and warnings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.accounts import module_status, modules
from app.accounts.models.accounts import User
from tests.accounts.conftest import SetClock

MODULE = "feature.einvoice_api"
NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(set_clock: SetClock) -> None:
    set_clock(NOW)


def status(user: User) -> module_status.ModuleStatus:
    return next(one for one in module_status.status_of(user.id) if one.module == MODULE)


def test_every_module_has_a_state(user: User) -> None:
    assert [(one.module, one.state, one.warning) for one in module_status.status_of(user.id)] == [
        (module, "off", None) for module in modules.MODULES
    ]
    modules.enable(user, MODULE, actor="test")
    assert (status(user).state, status(user).days_left) == ("on", 365)
    modules.disable(user, MODULE, actor="test")
    assert status(user).state == "off"


@pytest.mark.parametrize(
    ("before", "days_left", "warning"),
    [
        (timedelta(days=31), 31, None),
        (timedelta(days=30), 30, 30),
        (timedelta(days=7, seconds=1), 8, 30),
        (timedelta(days=7), 7, 7),
        (timedelta(days=2), 2, 7),
        (timedelta(days=1), 1, 1),
        (timedelta(seconds=1), 1, 1),
        (timedelta(), None, 0),
        (-timedelta(days=29), None, 0),
        (-timedelta(days=30), None, None),
    ],
)
def test_warnings_start_30_7_and_1_days_before_the_end(
    user: User,
    set_clock: SetClock,
    before: timedelta,
    days_left: int | None,
    warning: int | None,
) -> None:
    ends_at = modules.enable(user, MODULE, actor="test").ends_at
    set_clock(ends_at - before)
    found = status(user)
    assert (found.days_left, found.warning) == (days_left, warning)
    assert [one.module for one in module_status.warnings(user.id)] == ([MODULE] if warning is not None else [])


def test_a_period_in_the_future_is_planned(user: User, set_clock: SetClock) -> None:
    start = NOW + timedelta(days=10)
    modules.set_period(user, MODULE, starts_at=start, ends_at=start + timedelta(days=5), actor="test")
    assert (status(user).state, modules.is_enabled(user.id, MODULE)) == ("planned", False)
    set_clock(start)
    assert (status(user).state, modules.is_enabled(user.id, MODULE)) == ("on", True)
