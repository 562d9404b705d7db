"""Fixtures of accounts: a stored user, and a clock that tests set."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from app.accounts.models.accounts import User
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_user

SetClock = Callable[[datetime], None]


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> SetClock:
    """Function that stops the clock of the hub at a given time."""
    return lambda moment: monkeypatch.setattr(clock, "now", lambda: moment)


@pytest.fixture
def user(app: Hub) -> User:
    with unit_of_work():
        return a_user()
