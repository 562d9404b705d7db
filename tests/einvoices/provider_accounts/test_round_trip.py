"""The whole way: the hub sends through an account to a running simulator, which reports to the hub with signatures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from app.einvoices.providers import outbox
from app.kernel.http.app import Hub
from app.provider_simulator.document_store import DocumentStore
from app.provider_simulator.http_server import running
from app.provider_simulator.simulator_state import Simulator
from tests.drills.hubs import wait_for
from tests.einvoices.helpers import create_issued, fetch_detail, perform
from tests.einvoices.provider_accounts.helpers import ACCOUNTS


@contextmanager
def served(app: Hub) -> Iterator[str]:
    """Address of the hub, for the reports of the provider."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    simulator = Simulator(DocumentStore(), slow_seconds=0.2, hang_seconds=0.2)
    yield simulator
    simulator.store.close()


@pytest.fixture
def account(app: Hub, admin: FlaskClient, simulator: Simulator) -> Iterator[dict[str, Any]]:
    """An account with the usual mapping whose provider is the simulator, and reports to this hub."""
    with served(app) as hub, running(simulator) as provider:
        url = f"{provider}/one/einvoices"
        allowances = [{"cidr": "127.0.0.0/8", "port": urlsplit(provider).port}]
        facts = {"url": url, "lookup_url": url, "allowances": allowances, "mapping": "default"}
        made = admin.post(ACCOUNTS, json={"name": "Simulator", "adapter": "http", **facts}).json
        assert admin.post(f"{ACCOUNTS}/{made['id']}/test").json["state"] == "ready"
        simulator.store.set_target("one", f"{hub}{made['callback_url']}", made["callback_secret"])
        yield made


@pytest.mark.parametrize(
    ("behaviour", "word"),
    [("accept", "accepted"), ("reject", "rejected"), ("out_of_order", "accepted"), ("slow", "accepted")],
)
def test_the_last_word_of_the_provider_arrives(
    admin: FlaskClient, account: dict[str, Any], simulator: Simulator, behaviour: str, word: str
) -> None:
    """The report often comes when the answer is on its way: its moment is between question and answer."""
    einvoice = create_issued(admin, provider_account_id=account["id"], metadata={"simulate": behaviour})
    perform(admin, einvoice["id"], "send")
    outbox.send_due()
    wait_for(lambda: simulator.store.open_reports() == 0, 10)
    shown = fetch_detail(admin, einvoice["id"])
    assert (shown["provider_status"], shown["status"]) == (word, word)


def test_sent_again_what_was_rejected_is_asked_for_its_present_word(
    admin: FlaskClient, account: dict[str, Any], simulator: Simulator
) -> None:
    """A repeat would get the first answer, ``received``, and no report would follow: it could never be corrected."""
    einvoice = create_issued(admin, provider_account_id=account["id"], metadata={"simulate": "reject"})
    for _ in range(2):
        perform(admin, einvoice["id"], "send")
        outbox.send_due()
        wait_for(lambda: simulator.store.open_reports() == 0, 10)
        shown = fetch_detail(admin, einvoice["id"])
        assert (shown["provider_status"], shown["status"]) == ("rejected", "rejected")
    [document] = simulator.store.documents()
    assert (document.received, document.looked_up) == (1, 1)
    assert perform(admin, einvoice["id"], "corrections", {})["corrects_id"] == einvoice["id"]


def test_a_repeat_is_answered_as_the_first_sending_and_hides_no_later_word(
    admin: FlaskClient, account: dict[str, Any], simulator: Simulator, pass_time: Callable[[float], None]
) -> None:
    """Without a look-up; the report comes after the repeat, and its moment is before that."""
    assert admin.patch(f"{ACCOUNTS}/{account['id']}", json={"lookup_url": ""}).status_code == 200
    assert admin.post(f"{ACCOUNTS}/{account['id']}/test").json["state"] == "ready"
    target = simulator.store.targets()["one"]
    simulator.store.set_target("one", "http://127.0.0.1:1/", account["callback_secret"])
    einvoice = create_issued(admin, provider_account_id=account["id"], metadata={"simulate": "lost"})
    perform(admin, einvoice["id"], "send")
    outbox.send_due()
    pass_time(31)
    outbox.send_due()
    assert fetch_detail(admin, einvoice["id"])["provider_status"] == "received"
    simulator.store.set_target("one", target, account["callback_secret"])
    wait_for(lambda: fetch_detail(admin, einvoice["id"])["status"] == "accepted", 15)
