"""Modules: on for a time, renewed from their end, over by themselves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from app.accounts import modules, service
from app.accounts.models import User
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.unit_of_work import unit_of_work
from app.kernel.web import Hub
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
    assert not modules.is_enabled(service.existing_user(user.email).id, MODULE)
    assert "No user has this" in run(args=["modules", "enable", "nobody@x.y", MODULE]).output
