"""A provider that refuses the credentials gets nothing more until somebody has looked after them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.einvoices.models.provider_accounts import ProviderAccount, ProviderLane
from app.einvoices.providers import look_ups, outbox
from app.extensions import db
from app.kernel.http.app import Hub
from app.operations import doctor
from app.operations.monitoring import backlogs, hub_status
from tests.einvoices.helpers import URL, create_issued, fetch_detail, perform, stored_sendings
from tests.einvoices.provider_accounts.helpers import ACCOUNTS, loopback
from tests.einvoices.providers.provider_server import CUT, StoringProvider
from tests.operations.cli.cli_helpers import Run, error_line
from tests.operations.cli.conftest import run

__all__ = ["run"]
Pass = Callable[[float], None]
WAITS = "The provider refuses the credentials of this hub; its operator has to look after them."


def queue(client: FlaskClient, provider: str = "http") -> int:
    einvoice_id: int = create_issued(client, provider=provider)["id"]
    perform(client, einvoice_id, "send")
    return einvoice_id


def refuse(store: StoringProvider, code: int) -> None:
    store.refusal_code = store.lookup_code = code


def accept(store: StoringProvider) -> None:
    store.refusal_code = store.lookup_code = None


def due_sendings() -> int:
    with db.session.begin():
        return next(each.due for each in backlogs.list_backlogs() if each.kind == "sendings")


def lane() -> ProviderLane:
    with db.session.begin():
        found: ProviderLane = db.session.get_one(ProviderLane, 0)
        return found


def findings() -> list[str]:
    with db.session.begin():
        return [each.message for each in doctor.run_checks() if "refuses the credentials" in each.message]


def actions() -> list[str]:
    with db.session.begin():
        rows = db.session.query(AuditEntry.action).order_by(AuditEntry.id)
        return [row.action for row in rows if row.action.startswith("provider_settings")]


@pytest.mark.parametrize("code", [401, 403])
def test_the_settings_wait_until_they_change(
    *,
    app: Hub,
    owner: FlaskClient,
    store: StoringProvider,
    pass_time: Pass,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
) -> None:
    refuse(store, code)
    einvoice_id, local_id = queue(owner), queue(owner, "null")
    outbox.send_due()
    assert fetch_detail(owner, local_id)["status"] == "accepted"
    shown = fetch_detail(owner, einvoice_id)
    assert (shown["status"], shown["provider_status"], shown["waiting_because"]) == ("issued", "queued", WAITS)
    other_id = queue(owner)
    pass_time(4000)
    assert outbox.send_due() == 0
    [finding] = findings()
    assert finding.startswith(
        "The provider of EINVOICE_PROVIDER_URL refuses the credentials, and 2 e-invoices wait: "
        f"The provider answered {code}."
    )
    with db.session.begin():
        status = hub_status.collect_status()
    assert (status.is_well, due_sendings()) == (False, 0)
    accept(store)
    monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_TOKEN", "another")
    assert outbox.send_due() == 2
    for each in (einvoice_id, other_id):
        assert fetch_detail(owner, each)["status"] == "accepted"
        assert fetch_detail(owner, each)["waiting_because"] is None
    assert (findings(), actions()) == ([], ["provider_settings.refused", "provider_settings.used_again"])


def test_a_refusal_counts_as_no_attempt(
    app: Hub, owner: FlaskClient, store: StoringProvider, pass_time: Pass, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(store, 401)
    queue(owner)
    for number in range(8):
        monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_TOKEN", f"wrong {number}")
        assert outbox.send_due() == 1
        pass_time(31)
    [row] = stored_sendings()
    assert (row.state, row.attempts, row.in_doubt) == ("pending", 0, False)


def test_a_test_of_the_operator_lets_them_go_on(
    owner: FlaskClient, store: StoringProvider, pass_time: Pass, run: Run
) -> None:
    refuse(store, 401)
    einvoice_id = queue(owner)
    outbox.send_due()
    pass_time(31)
    assert error_line(run("einvoices", "test-provider")) == "Error: The provider answered 401."
    assert outbox.send_due() == 0
    accept(store)
    assert run("einvoices", "test-provider").output == "The provider answered.\n"
    assert actions()[1:] == ["provider_settings.tested", "provider_settings.tested", "provider_settings.used_again"]
    assert outbox.send_due() == 1
    assert fetch_detail(owner, einvoice_id)["status"] == "accepted"


def test_the_command_says_that_nothing_is_set(app: Hub, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "EINVOICE_PROVIDER_URL", "")
    assert error_line(run("einvoices", "test-provider")) == "Error: EINVOICE_PROVIDER_URL is not set."


def test_a_look_up_locks_the_settings_out_and_the_doubt_stays(
    owner: FlaskClient, store: StoringProvider, pass_time: Pass
) -> None:
    store.decide, store.lookup_code = lambda: CUT, 500
    einvoice_id = queue(owner)
    for delay in (0, 31, 121, 601, 3601):
        pass_time(delay)
        outbox.send_due()
    assert fetch_detail(owner, einvoice_id)["provider_status"] == "in_doubt"
    assert lane().refused_at is None
    store.lookup_code = 403
    pass_time(120)
    look_ups.look_up_due()
    assert (lane().refused_adapter, lane().refusal) == ("http", "Look-up: The provider answered 403.")
    assert fetch_detail(owner, einvoice_id)["provider_status"] == "in_doubt"


def test_a_look_up_stops_the_account(
    owner_as: Callable[..., FlaskClient], store: StoringProvider, pass_time: Pass
) -> None:
    admin = owner_as("admin")
    made: Any = admin.post(ACCOUNTS, json={"name": "A", "adapter": "http", **loopback(store)}).json
    assert admin.post(f"{ACCOUNTS}/{made['id']}/test").json["state"] == "ready"
    einvoice = create_issued(admin, provider_account_id=made["id"])
    perform(admin, einvoice["id"], "send")
    store.decide, store.lookup_code = lambda: CUT, 500
    for delay in (0, 31, 121, 601, 3601):
        pass_time(delay)
        outbox.send_due()
    store.lookup_code = 401
    pass_time(120)
    look_ups.look_up_due()
    with db.session.begin():
        account = db.session.get_one(ProviderAccount, made["id"])
        assert (account.test_passed, account.test_message) == (False, "Look-up: The provider answered 401.")
    assert stored_sendings()[0].in_doubt
    assert due_sendings() == 0


class TestWaysOut:
    """A seller is not stuck while a sending waits for somebody else."""

    @pytest.fixture
    def waiting(self, owner: FlaskClient, store: StoringProvider) -> int:
        """An e-invoice that waits because the provider refuses the settings."""
        refuse(store, 401)
        einvoice_id = queue(owner)
        outbox.send_due()
        return einvoice_id

    def test_it_can_be_cancelled(
        self, owner: FlaskClient, waiting: int, store: StoringProvider, pass_time: Pass, run: Run
    ) -> None:
        shown = perform(owner, waiting, "cancel", {"reason": "x"})
        assert (shown["status"], shown["provider_status"]) == ("cancelled", "failed")
        [row] = stored_sendings()
        assert (row.state, row.error) == ("failed", "It was withdrawn before it was sent.")
        accept(store)
        assert run("einvoices", "test-provider").exit_code == 0
        pass_time(4000)
        assert (outbox.send_due(), store.stored) == (0, {})

    def test_it_can_be_sent_through_an_account(self, owner: FlaskClient, waiting: int) -> None:
        assert owner.post(f"{URL}/{waiting}/send").json["error"] == "ALREADY_SENDING"
        account = owner.post(ACCOUNTS, json={"name": "A", "adapter": "null"}).json
        owner.post(f"{ACCOUNTS}/{account['id']}/test")
        perform(owner, waiting, "send", {"provider_account_id": account["id"]})
        assert outbox.send_due() == 1
        assert fetch_detail(owner, waiting)["status"] == "accepted"
        assert [row.state for row in stored_sendings()] == ["failed", "done"]

    def test_one_that_a_worker_can_send_is_not_withdrawn(self, owner: FlaskClient, store: StoringProvider) -> None:
        einvoice_id = queue(owner)
        answer = owner.post(f"{URL}/{einvoice_id}/cancel", json={"reason": "x"})
        assert answer.json["error"] == "ALREADY_SENDING"

    @pytest.mark.parametrize("taken", [True, False])
    def test_a_doubt_that_waits_is_settled_by_a_person(
        self, owner: FlaskClient, store: StoringProvider, pass_time: Pass, taken: bool
    ) -> None:
        store.decide, store.lookup_code = lambda: CUT, 401
        einvoice_id = queue(owner)
        outbox.send_due()
        pass_time(31)
        outbox.send_due()
        assert lane().refused_adapter == "http"
        for action in ("cancel", "send"):
            refused = owner.post(f"{URL}/{einvoice_id}/{action}", json={"reason": "x"} if action == "cancel" else None)
            assert refused.json["error"] == {"cancel": "IN_DOUBT", "send": "ALREADY_SENDING"}[action]
        perform(owner, einvoice_id, "settle-doubt", {"taken": taken, "reason": "Asked them"})
        shown = fetch_detail(owner, einvoice_id)
        assert (shown["status"], shown["provider_status"]) == (("sent", "taken") if taken else ("issued", "failed"))
        assert [row.state for row in stored_sendings()] == ["done" if taken else "failed"]
        if not taken:
            perform(owner, einvoice_id, "cancel", {"reason": "x"})
