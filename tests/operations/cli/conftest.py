"""Runs commands of the hub."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result
from sqlalchemy import update

from app.einvoices.lifecycle import drafts, issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.provider_accounts import directory
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.factories import a_draft, a_seller, a_user
from tests.operations.cli.cli_helpers import Run
from tests.webhooks.fixtures import Subscribed
from tests.webhooks.receivers import Receiver


@pytest.fixture
def run(app: Hub) -> Run:
    def invoke(*words: str, answer: str | None = None) -> Result:
        return app.test_cli_runner().invoke(args=list(words), input=answer)

    return invoke


@pytest.fixture
def endpoint_of_a_manager(subscribe: Callable[..., Subscribed], receiver: Receiver) -> Subscribed:
    """Endpoint 1."""
    return subscribe(receiver, "*")


@pytest.fixture
def provider_account(app: object) -> int:
    """Account 1."""
    with unit_of_work():
        facts = {"name": "Main", "adapter": "null", "mode": "live"}
        return directory.create(facts, a_user(role="billing").id, actor="test", may_allow=False).account.id


@pytest.fixture
def doubtful(app: object) -> tuple[int, str]:
    """Id and number of an e-invoice in doubt."""
    with unit_of_work():
        owner = a_user(role="billing").id
        a_seller(owner)
        einvoice_id = drafts.create(a_draft(provider="http"), owner, "test").id
        issue.issue(einvoice_id, None, "test")
        sent = issue.send(einvoice_id, None, "test")
        sent.provider_status, number = "in_doubt", sent.invoice_no or ""
        error = "The provider answered 503."
        values = {"state": "failed", "in_doubt": True, "error": error, "finished_at": clock.now()}
        db.session.execute(update(EinvoiceSending).values(values))
    return einvoice_id, number


@pytest.fixture
def further_einvoices(doubtful: tuple[int, str]) -> None:
    """Two drafts with the ids 2 and 3, and 4, which the provider rejected."""
    with unit_of_work():
        owner = db.session.get_one(Einvoice, doubtful[0]).owner_id
        for _ in range(3):
            drafts.create(a_draft(provider="null"), owner, "test")
        rejected = issue.issue(4, None, "test")
        rejected.status, rejected.provider_status = "rejected", "rejected"
