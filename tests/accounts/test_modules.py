"""Modules: on for a time, renewed from their end, over by themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from app.accounts import module_status, modules, users
from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_user

MODULE = "feature.einvoice_api"
NOW = datetime(2024, 2, 29, 12, tzinfo=UTC)


@pytest.fixture
def user(app: Hub) -> User:
    with unit_of_work():
        return a_user()


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, NOW)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    monkeypatch.setattr(clock, "now", lambda: moment)


def test_it_is_on_for_a_year_and_then_over(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not modules.is_enabled(user.id, MODULE)
    modules.enable(user, MODULE, actor="test")
    assert modules.is_enabled(user.id, MODULE)
    assert not modules.is_enabled(user.id, "feature.einvoice_webhooks")
    at(monkeypatch, datetime(2025, 2, 28, 11, 59, tzinfo=UTC))
    assert modules.is_enabled(user.id, MODULE)
    at(monkeypatch, datetime(2025, 2, 28, 12, tzinfo=UTC))
    assert not modules.is_enabled(user.id, MODULE)


def test_renewing_adds_to_the_end(user: User) -> None:
    modules.enable(user, MODULE, actor="test")
    assert modules.enable(user, MODULE, years=2, actor="test").ends_at == datetime(2027, 2, 28, 12, tzinfo=UTC)


def test_renewing_what_is_over_begins_now(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    modules.enable(user, MODULE, actor="test")
    later = datetime(2030, 6, 1, tzinfo=UTC)
    at(monkeypatch, later)
    grant = modules.enable(user, MODULE, actor="test")
    assert (grant.starts_at, grant.ends_at) == (later, datetime(2031, 6, 1, tzinfo=UTC))


def test_parallel_renewals_all_count(app: Hub, user: User) -> None:
    def renew(_: int) -> None:
        with app.app_context(), unit_of_work():
            modules.enable(db.session.get_one(User, user.id), MODULE, actor="test")

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(renew, range(5)))
    assert modules.list_grants(user)[0].ends_at.year == NOW.year + 5


@pytest.mark.parametrize(("module", "years"), [("feature.tea", 1), (MODULE, 0), (MODULE, 11)])
def test_what_is_not_sold(user: User, module: str, years: int) -> None:
    with pytest.raises(Invalid):
        modules.enable(user, module, years=years, actor="test")


def test_operators_turn_it_on_and_off(app: Hub, user: User) -> None:
    run = app.test_cli_runner().invoke
    done = run(args=["modules", "enable", user.email, MODULE, "--years", "2"])
    assert done.output == f"{MODULE} is on for {user.email} until 2026-02-28.\n"
    assert MODULE in run(args=["modules", "list", user.email]).output
    run(args=["modules", "disable", user.email, MODULE])
    db.session.expire_all()
    assert not modules.is_enabled(users.get_user_by_email(user.email).id, MODULE)
    assert "No user has this" in run(args=["modules", "enable", "nobody@x.y", MODULE]).output


class TestLicences:
    def of(self, user: User) -> module_status.ModuleStatus:
        return next(one for one in module_status.status_of(user.id) if one.module == MODULE)

    def test_every_module_has_a_state(self, user: User) -> None:
        assert [(one.module, one.state, one.warning) for one in module_status.status_of(user.id)] == [
            (module, "off", None) for module in modules.MODULES
        ]
        modules.enable(user, MODULE, actor="test")
        assert (self.of(user).state, self.of(user).days_left) == ("on", 365)
        modules.disable(user, MODULE, actor="test")
        assert self.of(user).state == "off"

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
    def test_a_warning_comes_30_7_and_1_days_before_the_end_and_after_it(
        self,
        user: User,
        monkeypatch: pytest.MonkeyPatch,
        before: timedelta,
        days_left: int | None,
        warning: int | None,
    ) -> None:
        ends_at = modules.enable(user, MODULE, actor="test").ends_at
        at(monkeypatch, ends_at - before)
        licence = self.of(user)
        assert (licence.days_left, licence.warning) == (days_left, warning)
        assert [one.module for one in module_status.warnings(user.id)] == ([MODULE] if warning is not None else [])

    def test_one_that_begins_later_is_planned(self, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
        start = NOW + timedelta(days=10)
        modules.set_period(user, MODULE, starts_at=start, ends_at=start + timedelta(days=5), actor="test")
        assert (self.of(user).state, modules.is_enabled(user.id, MODULE)) == ("planned", False)
        at(monkeypatch, start)
        assert (self.of(user).state, modules.is_enabled(user.id, MODULE)) == ("on", True)

    @pytest.mark.parametrize("length", [timedelta(), timedelta(days=-1), timedelta(days=4000)])
    def test_a_period_has_a_length(self, user: User, length: timedelta) -> None:
        with pytest.raises(Invalid):
            modules.set_period(user, MODULE, starts_at=NOW, ends_at=NOW + length, actor="test")
