"""Modules of users: enable, renew, expire, disable, periods and commands."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.accounts import modules, users
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.accounts.conftest import SetClock

MODULE = "feature.einvoice_api"
NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(set_clock: SetClock) -> None:
    set_clock(NOW)


def test_a_module_is_enabled_for_a_year(user: User, set_clock: SetClock) -> None:
    assert not modules.is_enabled(user.id, MODULE)
    modules.enable(user, MODULE, actor="test")
    assert modules.is_enabled(user.id, MODULE)
    assert not modules.is_enabled(user.id, "feature.einvoice_webhooks")
    set_clock(datetime(2025, 2, 28, 11, 59, tzinfo=UTC))
    assert modules.is_enabled(user.id, MODULE)
    set_clock(datetime(2025, 2, 28, 12, tzinfo=UTC))
    assert not modules.is_enabled(user.id, MODULE)


def test_renewal_extends_the_running_period(user: User) -> None:
    modules.enable(user, MODULE, actor="test")
    assert modules.enable(user, MODULE, years=2, actor="test").ends_at == datetime(2027, 2, 28, 12, tzinfo=UTC)


def test_renewal_after_the_end_starts_now(user: User, set_clock: SetClock) -> None:
    modules.enable(user, MODULE, actor="test")
    later = datetime(2030, 6, 1, tzinfo=UTC)
    set_clock(later)
    grant = modules.enable(user, MODULE, actor="test")
    assert (grant.starts_at, grant.ends_at) == (later, datetime(2031, 6, 1, tzinfo=UTC))


def test_each_parallel_renewal_adds_a_year(app: Hub, user: User) -> None:
    def renew(_: int) -> None:
        with app.app_context(), unit_of_work():
            modules.enable(db.session.get_one(User, user.id), MODULE, actor="test")

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(renew, range(5)))
    assert modules.list_grants(user)[0].ends_at.year == NOW.year + 5


@pytest.mark.parametrize(("module", "years"), [("feature.tea", 1), (MODULE, 0), (MODULE, 11)])
def test_an_unknown_module_and_years_out_of_range_are_refused(user: User, module: str, years: int) -> None:
    with pytest.raises(Invalid):
        modules.enable(user, module, years=years, actor="test")


def test_commands_enable_list_and_disable_a_module(app: Hub, user: User) -> None:
    run = app.test_cli_runner().invoke
    done = run(args=["modules", "enable", user.email, MODULE, "--years", "2"])
    assert done.output == f"{MODULE} is on for {user.email} until 2026-02-28.\n"
    assert MODULE in run(args=["modules", "list", user.email]).output
    run(args=["modules", "disable", user.email, MODULE])
    db.session.expire_all()
    assert not modules.is_enabled(users.get_user_by_email(user.email).id, MODULE)
    assert "No user has this" in run(args=["modules", "enable", "nobody@x.y", MODULE]).output


@pytest.mark.parametrize("length", [timedelta(), timedelta(days=-1), timedelta(days=4000)])
def test_an_empty_negative_or_too_long_period_is_refused(user: User, length: timedelta) -> None:
    with pytest.raises(Invalid):
        modules.set_period(user, MODULE, starts_at=NOW, ends_at=NOW + length, actor="test")
