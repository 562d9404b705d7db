"""Resend: an operator retries what failed, and only what may still be sent."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.lifecycle.allowed_steps import is_allowed
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.providers import outbox, resend
from app.einvoices.status import Status
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import create_issued, perform, stored_sendings
from tests.einvoices.provider_accounts.helpers import ACCOUNTS

pytestmark = pytest.mark.slow  # whole lives of documents at a provider, with many requests each


@pytest.mark.parametrize("word", ["failed", "rejected", "Accepted", None])
@pytest.mark.parametrize("status", [status for status in Status if status != Status.DRAFT])
def test_what_may_not_be_sent_is_not_sent_again(owner: FlaskClient, status: Status, word: str | None) -> None:
    einvoice = create_issued(owner, provider="simulator", metadata={"simulate": "refuse"})
    perform(owner, einvoice["id"], "send")
    outbox.send_due()
    with unit_of_work():
        facts = {"status": status.value, "word": word}
        db.session.execute(text("UPDATE e_invoices SET status = :status, provider_status = :word"), facts)
    with unit_of_work():
        expected = is_allowed("send", db.session.get_one(Einvoice, einvoice["id"]))
        assert resend.resend_given_up(actor="test") == expected


@pytest.fixture
def failed(owner: FlaskClient) -> int:
    """The id of an e-invoice whose sending was refused."""
    account = owner.post(ACCOUNTS, json={"name": "Main", "adapter": "simulator"}).json
    owner.post(f"{ACCOUNTS}/{account['id']}/test")
    einvoice = create_issued(owner, provider_account_id=account["id"], metadata={"simulate": "refuse"})
    perform(owner, einvoice["id"], "send")
    outbox.send_due()
    einvoice_id: int = einvoice["id"]
    return einvoice_id


def resend_all() -> int:
    with unit_of_work():
        return resend.resend_given_up(actor="test")


@pytest.mark.parametrize(
    "change", ["enabled = false", "archived_at = now()", "test_passed = null, tested_at = null", "test_passed = false"]
)
def test_nothing_is_sent_again_through_an_account_that_is_not_ready(failed: int, change: str) -> None:
    with unit_of_work():
        db.session.execute(text(f"UPDATE provider_accounts SET {change}"))
    assert resend_all() == 0
    assert [row.state for row in stored_sendings()] == ["failed"]


def test_a_second_einvoice_of_a_sale_is_not_sent_again(owner_as: Callable[..., FlaskClient], failed: int) -> None:
    create_issued(owner_as())
    with unit_of_work():
        db.session.execute(text("UPDATE e_invoices SET sales_invoice_no = 'S-1'"))
        db.session.execute(text("UPDATE e_invoices SET status = 'rejected' WHERE id = :id"), {"id": failed})
    assert resend_all() == 0


def test_it_keeps_its_key(failed: int) -> None:
    assert resend_all() == 1
    outbox.send_due()
    assert [row.state for row in stored_sendings()] == ["failed", "failed"]
    assert len({row.key for row in stored_sendings()}) == 1
