"""Commands for webhooks: list, enable, disable, recover and reseal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import Result
from flask import current_app
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.kernel import clock, secret_box
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.webhooks.models.deliveries import Delivery
from tests.webhooks.fixtures import Subscribed
from tests.webhooks.receivers import Receiver

Run = Callable[..., Result]


Make = Callable[..., Any]


@pytest.fixture
def run(app: Hub) -> Run:
    def invoke(*words: str, **environment: str) -> Result:
        return app.test_cli_runner().invoke(args=["webhooks", *words], env=environment)

    return invoke


@pytest.fixture
def endpoint(subscribe: Make, receiver: Receiver) -> Subscribed:
    subscribed: Subscribed = subscribe(receiver, "*")
    return subscribed


def test_the_list_shows_waiting_and_failed_deliveries_and_reasons(
    run: Run, endpoint: Subscribed, create_einvoices: Make
) -> None:
    create_einvoices(2)
    with unit_of_work():
        first = db.session.scalar(select(Delivery).order_by(Delivery.id).limit(1))
        first.state, first.finished_at = "failed", clock.now()
    assert run("disable", str(endpoint.id), "--reason", "It is being moved.").output == "Endpoint 1 is disabled.\n"
    state, reason = run("list").output.splitlines()
    assert state.split() == ["1", "disabled", "1", "waiting,", "1", "failed", endpoint.row.url]
    assert reason.strip() == "It is being moved."


def test_an_endpoint_is_disabled_and_enabled_by_the_command_line(run: Run, endpoint: Subscribed) -> None:
    run("disable", str(endpoint.id))
    assert (endpoint.row.status, endpoint.row.reason) == ("disabled", "Switched off by the operator.")
    assert run("enable", str(endpoint.id)).output == "Endpoint 1 is enabled.\n"
    assert endpoint.row.status == "enabled"
    with unit_of_work():
        entries = select(AuditEntry.action).where(AuditEntry.actor == "command line").order_by(AuditEntry.id)
        actions = list(db.session.scalars(entries))
    assert actions == ["webhook_endpoint.disabled", "webhook_endpoint.enabled"]


def test_an_endpoint_with_waiting_deliveries_is_probed_first(
    run: Run, endpoint: Subscribed, create_einvoices: Make
) -> None:
    create_einvoices(1)
    run("disable", str(endpoint.id))
    assert run("enable", str(endpoint.id)).output == "Endpoint 1 is probing.\n"


def test_deliveries_that_failed_since_a_moment_are_sent_again(
    run: Run, endpoint: Subscribed, create_einvoices: Make
) -> None:
    create_einvoices(3)
    with unit_of_work():
        for delivery in db.session.scalars(select(Delivery).order_by(Delivery.id).limit(2)):
            delivery.state, delivery.finished_at = "failed", clock.now()
    since = (clock.now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S")
    result = run("recover", str(endpoint.id), "--since", since)
    assert result.output == "2 deliveries will be sent again.\n"
    with unit_of_work():
        assert set(db.session.scalars(select(Delivery.state))) == {"pending"}


@pytest.mark.parametrize(
    "words", [("enable", "7"), ("disable", "7"), ("recover", "7", "--since", "2026-01-01")], ids=lambda words: words[0]
)
def test_an_unknown_endpoint_is_one_line(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert (result.exit_code, len(result.output.splitlines())) == (1, 1)


@pytest.mark.parametrize("options", [("--per-minute", "0"), ("--since", "yesterday"), ()])
def test_a_recovery_with_invalid_options_is_refused(run: Run, options: tuple[str, ...]) -> None:
    since = () if "--since" in options or not options else ("--since", "2026-01-01")
    assert run("recover", "1", *since, *options).exit_code == 2


def test_secrets_are_encrypted_again_with_a_new_key(
    run: Run, endpoint: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current_app.config["SECRET_KEY"]
    monkeypatch.setitem(current_app.config, "SECRET_KEY", "another secret of the tests, as long as the first one")
    with pytest.raises(secret_box.DecryptionFailed):
        secret_box.unseal(endpoint.row.secret)
    result = run("reseal", OLD_SECRET_KEY=before)
    assert result.output == "1 secrets were encrypted again with the present SECRET_KEY.\n"
    assert secret_box.unseal(endpoint.row.secret).decode() == endpoint.secret


def test_a_wrong_old_key_changes_nothing_and_is_reported(
    run: Run, endpoint: Subscribed, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = endpoint.row.secret
    monkeypatch.setitem(current_app.config, "SECRET_KEY", "another secret of the tests, as long as the first one")
    result = run("reseal", OLD_SECRET_KEY="not the one that it was")
    assert (result.exit_code, result.output) == (1, "Error: 0 secrets were encrypted again; 1 fit neither key.\n")
    assert endpoint.row.secret == sealed
