"""The account at the simulator that the demo makes: the seller sends through it, and its reports are signed."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import Result
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry, User
from app.einvoices.models.work import EinvoiceSending
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.local.first_steps import first_steps
from app.provider_simulator.document_store import DocumentStore
from tests.drills.hubs import free_port
from tests.einvoices.conftest import owner, owner_as
from tests.einvoices.helpers import create_issued
from tests.einvoices.provider_accounts.helpers import ACCOUNTS, call_back
from tests.operations.cli.cli_helpers import stored_rows

__all__ = ["owner", "owner_as"]
Run = Callable[..., Result]


@pytest.fixture
def run(app: Hub, owner: FlaskClient, tmp_path: Path) -> Run:
    email = db.session.get_one(User, owner.user_id).email

    def invoke(*options: str) -> Result:
        arguments = ("provider-simulator-account", email, "--file", str(tmp_path / "list.sqlite"), *options)
        return app.test_cli_runner().invoke(args=arguments)

    return invoke


@pytest.fixture
def port() -> str:
    return str(free_port())


def accounts(client: FlaskClient) -> list[dict[str, Any]]:
    return [row for row in client.get(f"{ACCOUNTS}?archived=1").json["data"] if row["name"] == "Simulator"]


def secret_of(path: Path) -> str:
    store = DocumentStore(path)
    row = store._execute("SELECT secret FROM targets WHERE account = 'hub'").fetchone()
    store.close()
    return str(row["secret"])


def test_the_account_is_ready_and_takes_the_reports_of_the_simulator(
    run: Run, owner: FlaskClient, anybody: FlaskClient, port: str, tmp_path: Path
) -> None:
    assert run("--port", port, "--hub-url", "http://127.0.0.1:8123").output.endswith(": ready.\n")
    [account] = accounts(owner)
    assert (account["state"], account["mode"], account["is_default"]) == ("ready", "test", True)
    assert account["mapping"] == {"accepted": "accepted", "rejected": "rejected"}
    actions = {(row.action, row.actor) for row in stored_rows(AuditEntry)}
    assert {("provider_account.created", "command line"), ("provider_account.tested", "command line")} <= actions
    store = DocumentStore(tmp_path / "list.sqlite")
    assert store.targets() == {"hub": f"http://127.0.0.1:8123{account['callback_url']}"}
    store.close()
    signed = {"id": account["id"], "callback_secret": secret_of(tmp_path / "list.sqlite")}
    unknown = {"invoice_no": "EA-1", "provider_status": "accepted"}
    assert call_back(anybody, signed, unknown).status_code == 404  # the signature is right


def test_a_further_start_changes_nothing_and_another_port_is_tested(
    run: Run, owner: FlaskClient, port: str, tmp_path: Path
) -> None:
    run("--port", port)
    before, secret = accounts(owner), secret_of(tmp_path / "list.sqlite")
    assert run("--port", port).output == ""
    assert (accounts(owner), secret_of(tmp_path / "list.sqlite")) == (before, secret)
    other = str(free_port())
    assert run("--port", other).exit_code == 0
    [account] = accounts(owner)
    assert (account["id"], account["state"]) == (before[0]["id"], "ready")
    assert account["url"] == f"http://127.0.0.1:{other}/hub/einvoices"
    (tmp_path / "list.sqlite").unlink()
    run("--port", other)
    assert secret_of(tmp_path / "list.sqlite") != secret


def test_a_port_in_use_is_told_and_the_next_start_tests_the_account(run: Run, owner: FlaskClient, port: str) -> None:
    with socket.create_server(("127.0.0.1", int(port))):
        refused = run("--port", port)
    assert (refused.exit_code, f"Port {port} cannot be used" in refused.output) == (1, True)
    assert run("--port", port).output.endswith(": ready.\n")
    assert [account["state"] for account in accounts(owner)] == ["ready"]


def test_an_account_in_doubt_keeps_its_address(run: Run, owner: FlaskClient, port: str) -> None:
    run("--port", port)
    [before] = accounts(owner)
    issued = create_issued(owner, provider_account_id=before["id"])
    with unit_of_work():
        doubtful = {"state": "failed", "in_doubt": True, "due_at": clock.now(), "lane_id": before["id"]}
        db.session.add(EinvoiceSending(einvoice_id=issued["id"], provider="http", key=uuid4(), **doubtful))
    answer = run("--port", str(free_port()))
    assert (answer.exit_code, "in doubt" in answer.output) == (0, True)
    assert accounts(owner) == [before]


def test_an_unknown_seller_is_told(app: Hub, tmp_path: Path) -> None:
    arguments = ["provider-simulator-account", "nobody@hub.example", "--file", str(tmp_path / "list.sqlite")]
    answer = app.test_cli_runner().invoke(args=arguments)
    assert (answer.exit_code, "nobody@hub.example" in answer.output) == (1, True)


def test_only_the_demo_has_the_step() -> None:
    environment = {"DATA_DIR": "/data", "HOST": "::", "PORT": "8123", "ADMIN_EMAIL": "a@hub.example", "DEMO": "1"}
    assert (
        len(first_steps(environment))
        == len(first_steps({**environment, "DEMO": "0", "PROVIDER_SIMULATOR_PORT": "1"}))
        == 2
    )
    last = first_steps({**environment, "PROVIDER_SIMULATOR_PORT": "8090"})[-1]
    assert last[:2] == ("provider-simulator-account", "a@hub.example")
    assert last[-1] == "http://[::1]:8123"
