"""Resend: an operator retries what failed, and only what may still be sent."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.einvoices.lifecycle.allowed_steps import is_allowed
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.providers import outbox, resend
from app.einvoices.status import Status
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.helpers import create_issued, perform


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
