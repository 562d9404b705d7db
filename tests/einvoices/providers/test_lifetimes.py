"""Whatever users, workers and the provider do, nothing is taken twice, and every e-invoice comes to an end."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from app.einvoices import sellers
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.provider_simulator.document_store import DocumentStore
from app.provider_simulator.http_server import running
from app.provider_simulator.simulator_state import Simulator
from tests.einvoices.providers.lifetimes import Lifetimes, World

QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large)
#: Without shrinking: the steps of a failure are printed as they were, and a run has a bound.
PHASES = (Phase.generate,)
FEW = settings(
    max_examples=8,
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
    *,
    app: Hub,
    owner_as: Callable[..., FlaskClient],
    pass_time: Callable[[float], None],
    monkeypatch: pytest.MonkeyPatch,
    size: settings,
) -> None:
    def make_client() -> FlaskClient:
        client = owner_as()
        client.tax_id = f"{client.user_id:010}"
        with unit_of_work():
            sellers.save(client.user_id, actor="a test", tax_id=client.tax_id, address="Sanayi Cad. 1, Bursa")
        return client

    simulator = Simulator(DocumentStore(), slow_seconds=0.02, hang_seconds=0.05)
    with running(simulator) as address:
        for name in ("EINVOICE_PROVIDER_URL", "EINVOICE_PROVIDER_LOOKUP_URL"):
            monkeypatch.setitem(app.config, name, f"{address}/demo/einvoices")
        world = World(app, simulator, make_client, pass_time)
        machine = type("Lifetimes", (Lifetimes,), {"world": world})
        run_state_machine_as_test(machine, settings=size)
    simulator.store.close()
