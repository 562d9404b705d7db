"""The list of what needs a person: each kind, who sees it, what is red, and that it is found by indexes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.models.accounts import User
from app.accounts.roles import ROLES
from app.accounts.tokens import service as tokens
from app.admin.attention_links import PAGES
from app.einvoices.lifecycle import issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoicePdf, EinvoiceSending
from app.einvoices.queries.problems import PROBLEMS, shown_status
from app.evidence import root_mails, roots
from app.evidence.models import EvidenceMail, EvidenceStamp
from app.extensions import db
from app.grn.models.receipts import LedgerRow
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.operations import attention
from app.operations.monitoring import failed_tasks
from tests.admin import sample_data
from tests.factories import a_user
from tests.webhooks.receivers import Receiver


@pytest.fixture
def owner(app: Hub) -> User:
    with unit_of_work():
        return a_user(role="integrator")


def texts(scope: int | None = None, *, role: str | None = None) -> list[str]:
    """The messages of all entries but that of the missing backup; red ones begin with an exclamation mark."""

    def may(ability: str) -> bool:
        return role is None or ability in ROLES[role]

    needs = attention.list_needs(may, scope)
    return [f"{'!' if need.is_red else ''}{need.message}" for need in needs if need.kind != "backup"]


def test_nothing_needs_a_person_in_a_new_hub(app: Hub) -> None:
    assert [need.kind for need in attention.list_needs(lambda _ability: True, None)] == ["backup"]


def test_every_kind_has_a_page_and_a_remedy(app: Hub) -> None:
    assert set(PAGES) == set(attention.REMEDIES)


def test_roots_that_get_no_stamp_or_mail_need_a_person(app: Hub, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    sample_data.issue_einvoice(owner)
    tomorrow = clock.now() + timedelta(days=1)
    with monkeypatch.context() as patch:
        patch.setattr(clock, "now", lambda: tomorrow)
        patch.setitem(app.config, "TIMESTAMP_URL", "http://127.0.0.1:1/")
        patch.setitem(app.config, "ROOTS_MAIL_TO", ("auditor@example.com",))
        roots.seal_due()
        root_mails.queue_due()
    for attempts, expected in ((2, []), (3, ["stamp: 1 (no answer)", "wait: 1 (no answer)"])):
        with unit_of_work():
            for rows in (EvidenceStamp, EvidenceMail):
                db.session.query(rows).update({"attempts": attempts, "error": "no answer"})
        assert [text[-len(end) :] for text, end in zip(texts(), expected, strict=True)] == expected
    with unit_of_work():
        for rows in (EvidenceStamp, EvidenceMail):
            db.session.query(rows).update({"state": "done"})
    assert texts() == []


def test_a_review_is_red_after_a_day(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        sample_data.return_invoice()
    assert texts() == ["Sales invoices in review: 2"]
    moment = clock.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert texts() == ["!Sales invoices in review: 2"]
    assert texts(role="warehouse") == []
    assert texts(role="billing") == ["!Sales invoices in review: 2"]


def sent(owner: User, **values: Any) -> Einvoice:
    """Issue an e-invoice and give it status and provider status."""
    einvoice = sample_data.issue_einvoice(owner)
    with unit_of_work():
        stored = db.session.get_one(Einvoice, einvoice.id)
        for name, value in values.items():
            setattr(stored, name, value)
        return stored


def give_up(einvoice: Einvoice, *, in_doubt: bool = False) -> None:
    """A sending that failed for good."""
    with unit_of_work():
        row = EinvoiceSending(einvoice_id=einvoice.id, provider="http", key=uuid4(), state="failed", in_doubt=in_doubt)
        row.attempts, row.due_at = 6, clock.now()
        db.session.add(row)
        stored = db.session.get_one(Einvoice, einvoice.id)
        stored.provider_status = "in_doubt" if in_doubt else "failed"


def found(problem: str) -> list[int]:
    return list(db.session.scalars(db.select(Einvoice.id).where(PROBLEMS[problem]()).order_by(Einvoice.id)))


def test_a_rejected_or_given_up_einvoice_is_red_and_never_shown_as_sent(owner: User) -> None:
    rejected = sent(owner, status="rejected", provider_status="rejected")
    later = sent(owner, status="sent", provider_status="Rejected")
    taken_back = sent(owner, status="rejected", provider_status="accepted")
    given_up, doubtful = sent(owner), sent(owner)
    give_up(given_up)
    give_up(doubtful, in_doubt=True)
    fine = sent(owner, status="sent", provider_status="accepted")
    with unit_of_work():
        assert found("rejected") == [rejected.id, later.id]
        assert found("not_sent") == [given_up.id]
        assert found("in_doubt") == [doubtful.id]
        rows = [
            db.session.get_one(Einvoice, each.id) for each in (rejected, later, taken_back, given_up, doubtful, fine)
        ]
        shown = [shown_status(row) for row in rows]
    assert shown == [
        "rejected",
        "rejected",
        "accepted",
        "provider_status.failed",
        "provider_status.in_doubt",
        "sent",
    ]
    expected = [
        "!E-invoices that the provider rejected: 2",
        "!E-invoices that could not be sent: 1",
        "E-invoices in doubt, because the provider gave no clear answer: 1",
    ]
    assert texts() == texts(owner.id) == texts(owner.id, role="integrator") == expected
    assert texts(owner.id + 1) == []
    assert texts(role="warehouse") == []


def test_the_list_of_einvoices_is_filtered_by_what_needs_attention(
    owner: User, client_as: Callable[..., FlaskClient]
) -> None:
    rejected, given_up = sent(owner, status="sent", provider_status="rejected"), sent(owner)
    give_up(given_up)
    admin = client_as("admin")
    sample_data.enable_module_of_newest_user()
    for problem, einvoice in (("rejected", rejected), ("not_sent", given_up)):
        answer = admin.get(f"/api/v1/einvoices?attention={problem}")
        assert [each["id"] for each in answer.json["data"]] == [einvoice.id]
        assert answer.json["meta"]["total"] == 1
    assert admin.get("/api/v1/einvoices?attention=everything").status_code == 422


def test_an_einvoice_that_is_sent_again_needs_nobody(owner: User) -> None:
    einvoice = sent(owner)
    give_up(einvoice)
    with unit_of_work():
        issue.send(einvoice.id, owner.id, "test")
    assert texts() == []


@pytest.mark.parametrize(
    ("state", "minutes", "red"), [("failed", 0, True), ("pending", 11, True), ("pending", 9, False)]
)
def test_a_pdf_that_failed_or_is_late_is_stuck(owner: User, state: str, minutes: int, red: bool) -> None:
    einvoice = sample_data.issue_einvoice(owner)
    with unit_of_work():
        pdf = db.session.get_one(EinvoicePdf, einvoice.id)
        pdf.state, pdf.due_at = state, clock.now() - timedelta(minutes=minutes)
    assert texts(owner.id) == (["!PDFs of e-invoices that failed or are stuck: 1"] if red else [])
    assert texts(owner.id + 1) == []


def test_endpoints_and_deliveries(
    owner: User, subscribe: Callable[..., Any], receiver: Receiver, relayed: Callable[[], int]
) -> None:
    endpoint = subscribe(receiver, "*", user=owner, description="ERP")
    sample_data.create_draft(owner)
    relayed()
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE webhook_deliveries SET state = 'failed', finished_at = now()"))
        connection.execute(text("UPDATE webhook_endpoints SET status = 'disabled'"))
    assert texts(owner.id) == ["!Failed webhook deliveries to ERP: 1", "Webhook endpoint is off: ERP"]
    links = [need.link for need in attention.list_needs(lambda _ability: True, owner.id) if need.link]
    assert links == [{"endpoint_id": endpoint.id, "state": "failed"}, {"endpoint_id": endpoint.id}]
    assert texts(owner.id + 1) == texts(role="billing") == []


def test_a_negative_balance(app: Hub) -> None:
    receipt = sample_data.receive_goods(100)
    with unit_of_work():
        item_id, received = db.session.execute(
            text("SELECT id, grn_qty FROM fabric_items WHERE receipt_id = :id"), {"id": receipt.id}
        ).one()
        row = {"fabric_item_id": item_id, "type": "OUT", "out_type": "Write-Off", "created_by": "test"}
        db.session.add(LedgerRow(qty=Decimal(received), **row))
    assert texts() == []
    with unit_of_work():
        db.session.add(LedgerRow(qty=1, **row))
    [message] = texts(role="warehouse")
    assert message.startswith("!Negative balance of a fabric: ")
    [need] = [need for need in attention.list_needs(lambda _ability: True, None) if need.kind == "balances"]
    assert need.link == {"receipt_id": receipt.id, "item_id": item_id}
    assert texts(role="billing") == []


def test_tokens_and_modules_that_end(owner: User) -> None:
    with unit_of_work():
        tokens.create(owner, name="Shop", abilities=["einvoices:read"], days=30, actor="test")
    sample_data.enable_module(owner)
    sample_data.expire_modules_in(owner, days=6)
    assert texts() == [
        f"API token ends: Shop ({owner.name})",
        f"Module ends: feature.einvoice_api ({owner.name})",
    ]
    assert texts(owner.id + 1) == []


def test_failed_tasks_until_they_are_run_again(app: Hub) -> None:
    facts = {"task_id": "1", "task": "operations.canary", "arguments": ["pdf"], "worker": None, "request_id": None}
    with unit_of_work():
        failed_tasks.record(**facts, error="closed")
    assert texts() == ["!Failed tasks of the hub: 1"]
    with unit_of_work():
        failed_tasks.retry(1, actor="test")
    assert texts() == []


@pytest.mark.parametrize(("days", "state"), [(0, []), (3, [False]), (8, [True])])
def test_age_of_the_last_backup(app: Hub, tmp_path: Any, days: int, state: list[bool]) -> None:
    result = app.test_cli_runner().invoke(args=["hub", "backup", str(tmp_path / "hub.backup")])
    assert result.exit_code == 0, result.output
    with db.engine.begin() as connection:
        older = text("UPDATE audit_entries SET created_at = created_at - make_interval(days => :days)")
        connection.execute(older, {"days": days})
    needs = attention.list_needs(lambda _ability: True, None)
    assert [need.is_red for need in needs if need.kind == "backup"] == state
