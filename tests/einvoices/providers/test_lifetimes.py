"""Whatever users, workers and the provider do, nothing is taken twice, and every e-invoice comes to an end."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from app.einvoices.providers import outbox
from app.kernel.http.app import Hub
from tests.einvoices.providers.lifetimes.machine import Lifetimes
from tests.einvoices.providers.lifetimes.world import running_world

QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
#: Without shrinking: the steps of a failure are printed as they were, and a run has a bound.
PHASES = (Phase.generate,)
FEW = settings(
    max_examples=6,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=QUIET,
    database=None,
    phases=PHASES,
)
MANY = settings(FEW, max_examples=150, stateful_step_count=40, derandomize=False)


#: The long form is part of the whole drill, not of its short form.
NOT_SHORT = pytest.mark.skipif(bool(os.environ.get("SHORT")), reason="the short form of the drills")


@pytest.mark.parametrize("size", [FEW, pytest.param(MANY, marks=[pytest.mark.drill, NOT_SHORT])], ids=["short", "long"])
def test_every_life_has_a_lawful_end(
    *, app: Hub, owner_as: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch, size: settings
) -> None:
    monkeypatch.setattr(outbox, "LINGER_SECONDS", 0)
    with running_world(app, [owner_as() for _ in range(2)], owner_as("admin"), monkeypatch) as world:
        machine = type("Lifetimes", (Lifetimes,), {"world": world})
        run_state_machine_as_test(machine, settings=size)
