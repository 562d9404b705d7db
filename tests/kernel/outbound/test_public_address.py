"""Links that leave the hub have its public address; only one module builds them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.pdf import print_job
from app.kernel.http.app import Hub
from app.kernel.outbound.public_address import public_url, whole_url
from app.webhooks.models.endpoints import MIN_BODY_BYTES
from tests.einvoices.conftest import owner, owner_as
from tests.einvoices.helpers import URL, create_issued, events_of
from tests.operations.cli.cli_helpers import Run
from tests.operations.cli.conftest import run
from tests.webhooks.fixtures import Make
from tests.webhooks.receivers import Receiver

__all__ = ["owner", "owner_as", "run"]
PUBLIC = "https://hub.example/invoices"
APP = Path(__file__).resolve().parents[3] / "app"
#: The simulator is a server of its own, for development.
ALLOWED = {APP / "kernel/outbound/public_address.py", APP / "provider_simulator/templates/provider_simulator/page.html"}


@pytest.fixture
def public(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "PUBLIC_URL", PUBLIC)


def make_link(client: FlaskClient, einvoice_id: int) -> str:
    answer = client.post(f"{URL}/{einvoice_id}/links", json={}, headers={"Host": "evil.example"})
    url: str = answer.json["url"]
    return url


def test_the_setting_wins_over_the_host_of_the_request(owner: FlaskClient, public: None) -> None:
    einvoice = create_issued(owner)
    assert make_link(owner, einvoice["id"]).startswith(f"{PUBLIC}/pdf/ihub_pdf_")
    account = owner.post("/api/v1/provider-accounts", json={"name": "A", "adapter": "null"}).json
    path = f"/api/v1/provider-accounts/{account['id']}/callback"
    assert account["callback_url"] == f"{PUBLIC}{path}"
    assert owner.get("/api/v1/provider-accounts").json["data"][0]["callback_url"] == f"{PUBLIC}{path}"


def test_without_it_requests_have_their_host_and_accounts_a_path(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    assert make_link(owner, einvoice["id"]).startswith("http://evil.example/pdf/ihub_pdf_")
    account = owner.post("/api/v1/provider-accounts", json={"name": "A", "adapter": "null"}).json
    assert account["callback_url"] == f"/api/v1/provider-accounts/{account['id']}/callback"


@pytest.mark.parametrize("is_set", [True, False])
def test_a_path_before_the_hub_is_there_once(
    app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, is_set: bool
) -> None:
    monkeypatch.setitem(app.config, "PUBLIC_URL", "https://hub.example/invoices" if is_set else "")
    einvoice = create_issued(owner)
    where = {"base_url": "https://hub.example/invoices/"}  # as a proxy says it that serves the hub below a path
    url = owner.post(f"{URL}/{einvoice['id']}/links", json={}, **where).json["url"]
    assert url.startswith("https://hub.example/invoices/pdf/ihub_pdf_")


def test_a_worker_has_the_public_address_or_a_path(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        assert (whole_url("/a"), public_url("/a")) == ("/a", "/a")
        monkeypatch.setitem(app.config, "PUBLIC_URL", PUBLIC)
        assert (whole_url("/a"), public_url("/a")) == (f"{PUBLIC}/a", f"{PUBLIC}/a")


def test_the_event_of_a_pdf_has_the_public_address(owner: FlaskClient, public: None) -> None:
    einvoice = create_issued(owner)
    print_job.print_due()
    assert events_of(einvoice["id"])[-1]["pdf"]["url"] == f"{PUBLIC}{URL}/{einvoice['id']}/pdf"


def test_a_truncated_webhook_has_the_public_address(
    receiver: Receiver, subscribe: Make, create_einvoices: Make, send: Make, public: None
) -> None:
    subscribe(receiver, max_body_bytes=MIN_BODY_BYTES)
    create_einvoices(extra={"note": "ş" * 3000})
    send()
    [request] = receiver.requests
    assert len(request.body) <= MIN_BODY_BYTES
    sent: dict[str, Any] = json.loads(request.body)
    assert sent["url"].startswith(f"{PUBLIC}/api/v1/events?after=")


def test_a_command_has_the_public_address_or_says_that_it_has_a_path(
    run: Run, owner: FlaskClient, app: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    einvoice_id = str(create_issued(owner)["id"])
    said = run("einvoices", "link", einvoice_id).output.splitlines()
    assert said[1].startswith("/pdf/ihub_pdf_")
    assert said[2] == "This is a path: PUBLIC_URL is not set, and no --url was given."
    monkeypatch.setitem(app.config, "PUBLIC_URL", PUBLIC)
    for words, base in (((), PUBLIC), (("--url", "http://other/"), "http://other")):
        said = run("einvoices", "link", einvoice_id, *words).output.splitlines()
        assert said[1].startswith(f"{base}/pdf/ihub_pdf_")
        assert len(said) == 2


def test_only_one_module_reads_the_host_of_a_request_for_a_link() -> None:
    pattern = re.compile(r"\burl_root\b|\bhost_url\b|\bbase_url\b(?!=None)|_external=True|\brequest\.host\b")
    files = [*APP.rglob("*.py"), *APP.rglob("*.html")]
    found = {file for file in files if pattern.search(file.read_text())}
    assert found == ALLOWED
