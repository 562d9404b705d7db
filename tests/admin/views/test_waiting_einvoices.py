"""Page of an e-invoice whose sending waits for a person: it says why, and offers what is possible."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text

from app.accounts.models.accounts import User
from app.einvoices.decisions import decision_checks
from app.einvoices.lifecycle import corrections, issue
from app.einvoices.models.work import CheckState, EinvoiceSending
from app.einvoices.provider_accounts import directory
from app.einvoices.providers import status_reports
from app.einvoices.queries import lookup
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.client import submit_form


@pytest.fixture
def owner(create_user: Callable[..., User]) -> User:
    return sample_data.enable_module(create_user("billing"))


@pytest.fixture
def owner_client(signed_in_client: Callable[..., FlaskClient], owner: User) -> FlaskClient:
    return signed_in_client(owner)


def queue(owner: User) -> str:
    """Queue an e-invoice for an account; the path of its page."""
    account = sample_data.open_account(owner, "Main")
    einvoice = sample_data.issue_einvoice(owner, provider_account_id=account.id)
    with unit_of_work():
        issue.send(einvoice.id, owner.id, "test")
    return f"/admin/einvoices/{einvoice.id}"


def test_it_can_be_cancelled_but_not_sent_again(owner_client: FlaskClient, owner: User) -> None:
    url = queue(owner)
    assert "Cancel e-invoice" not in owner_client.get(url).text
    with unit_of_work():
        db.session.execute(text("UPDATE provider_accounts SET enabled = false"))
    page = owner_client.get(url).text
    assert "The provider account is disabled." in page
    assert "Cancel e-invoice" in page
    assert "Send to the provider" not in page
    assert '<span class="badge busy">Queued</span>' in page
    submit_form(owner_client, f"{url}/cancel", page=url, reason="x")
    page = owner_client.get(url).text
    assert "Cancelled: x" in page
    assert '<span class="badge bad">Not sent</span>' in page


def test_an_archived_account_is_named(owner_client: FlaskClient, owner: User) -> None:
    account = sample_data.open_account(owner, "Main")
    einvoice = sample_data.issue_einvoice(owner, provider_account_id=account.id)
    with unit_of_work():
        directory.remove(account.id, None, actor="test")
    sample_data.open_account(owner, "Second")
    page = owner_client.get(f"/admin/einvoices/{einvoice.id}").text
    assert "The provider account Main is archived. Send this e-invoice through another account." in page
    assert "Send to the provider" not in page
    assert "Send through another account" in page


def test_a_contradicted_decision_is_shown_and_made_again(owner_client: FlaskClient, owner: User) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    with unit_of_work():
        issue.send(einvoice.id, owner.id, "test")
        row = db.session.scalar(select(EinvoiceSending))
        assert row is not None
        row.state, row.in_doubt = "failed", True
    url = f"/admin/einvoices/{einvoice.id}"
    submit_form(owner_client, f"{url}/settle-doubt", page=url, reason="x", taken="true")
    with unit_of_work():
        stored = db.session.get_one(EinvoiceSending, row.id)
        decision_checks.dispute(
            lookup.find(einvoice.id, None), stored, CheckState.CONTRADICTED, decision_checks.NOT_THERE
        )
    page = owner_client.get(url).text
    assert decision_checks.NOT_THERE in page
    assert f"Search at the provider for the number {einvoice.invoice_no}, and decide again." in page
    assert "Settle the doubt" in page
    assert "E-invoices of which the provider contradicts a decision: 1" in owner_client.get("/admin").text
    submit_form(owner_client, f"{url}/settle-doubt", page=url, reason="x", taken="false")
    page = owner_client.get(url).text
    assert "decide again" not in page
    assert "Cancel e-invoice" in page


def test_an_acceptance_after_the_correction_is_shown_on_both_pages(owner_client: FlaskClient, owner: User) -> None:
    rejected = sample_data.issue_einvoice(owner)
    with unit_of_work():
        db.session.execute(text("UPDATE e_invoices SET status = 'rejected', provider_status = 'rejected'"))
    with unit_of_work():
        correction = corrections.correct(rejected.id, "x", owner.id, "test")
    with unit_of_work():
        status_reports.report(rejected.id, {"provider_status": "accepted"}, owner.id)
    page = owner_client.get(f"/admin/einvoices/{rejected.id}").text
    assert "The provider accepted this e-invoice after it was cancelled or corrected." in page
    page = owner_client.get(f"/admin/einvoices/{correction.id}").text
    assert "The provider accepted the e-invoice that this one corrects after all." in page
    assert f'<a href="/admin/einvoices/{rejected.id}">Open the other e-invoice</a>' in page
    assert rejected.invoice_no in owner_client.get("/admin/einvoices?attention=accepted_late").text
