"""Issue and cancel e-invoices."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.einvoices.providers import outbox
from app.einvoices.providers.contract import ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from app.extensions import db
from tests.einvoices.helpers import URL, create_draft, create_issued, events_of, fetch_detail, perform, set_adapter


def _reject(_request: ProviderRequest) -> ProviderResponse:
    return ProviderResponse(Status.REJECTED, "rejected", "PRV-1")


def test_every_step_is_recorded_with_who_took_it(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    set_adapter(monkeypatch, "http", send=_reject)
    sale, rejected = create_issued(owner), create_issued(owner, provider="http")
    note = perform(owner, sale["id"], "credit-notes", {"reason": "torn"})
    perform(owner, note["id"], "cancel", {"reason": "x"})
    perform(owner, rejected["id"], "send")
    outbox.send_due()
    correction = perform(owner, rejected["id"], "corrections", {"reason": "y"})
    actor = f"user:{owner.user_id}"
    with db.engine.connect() as connection:
        audited = connection.execute(AuditEntry.__table__.select().order_by(AuditEntry.id)).all()
    steps = [(row.action, row.subject, row.actor) for row in audited if row.action.startswith("einvoice.")]
    drafted = [(subject, who) for action, subject, who in steps if action == "einvoice.created"]
    assert drafted == [(f"einvoice:{each['id']}", actor) for each in (sale, rejected, correction)]
    assert [step for step in steps if step[0] != "einvoice.created"] == [
        ("einvoice.issued", f"einvoice:{sale['id']}", actor),
        ("einvoice.issued", f"einvoice:{rejected['id']}", actor),
        ("einvoice.credit_note_drafted", f"einvoice:{sale['id']}", actor),
        ("einvoice.cancelled", f"einvoice:{note['id']}", actor),
        ("einvoice.queued", f"einvoice:{rejected['id']}", actor),
        ("einvoice.corrected", f"einvoice:{rejected['id']}", actor),
    ]
    for einvoice_id, kinds in (
        (sale["id"], ["created", "issued", "credit_note_drafted"]),
        (note["id"], ["credit_note_created", "cancelled"]),
        (rejected["id"], ["created", "issued", "queued", "corrected"]),
        (correction["id"], ["created"]),
    ):
        events = fetch_detail(owner, einvoice_id)["events"]
        assert [event["type"] for event in events if event["payload"].get("actor") == actor] == kinds


def test_issue_allocates_the_next_number_and_emits_an_event(owner: FlaskClient) -> None:
    first, second = create_issued(owner), create_issued(owner)
    assert [int(e["invoice_no"][-6:]) for e in (first, second)] == [1, 2]
    assert (first["status"], first["pdf_state"]) == ("issued", "pending")
    events = events_of(first["id"])
    assert [event["type"] for event in events] == ["einvoice.created", "einvoice.issued"]
    assert events[1]["user"] == {"id": owner.user_id}
    assert events[1]["owner"] == owner.user_id
    sample = {
        "id",
        "status",
        "type",
        "invoice_no",
        "issued_at",
        "totals",
        "marketplace",
        "order_no",
        "provider",
        "provider_status",
    }
    assert sample <= events[1]["einvoice"].keys()
    assert owner.post(f"{URL}/{first['id']}/issue").status_code == 409


def test_parallel_issues_of_one_draft_use_one_number(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: owner.post(f"{URL}/{draft['id']}/issue"), range(8)))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 7}
    assert owner.get(f"{URL}/series").json["data"][0]["last_number"] == 1


def test_a_cancelled_einvoice_keeps_its_number(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    cancelled = perform(owner, einvoice["id"], "cancel", {"reason": "Ordered twice"})
    assert (cancelled["status"], cancelled["invoice_no"]) == ("cancelled", einvoice["invoice_no"])
    assert owner.post(f"{URL}/{einvoice['id']}/cancel", json={"reason": "again"}).status_code == 409
    assert owner.post(f"{URL}/{einvoice['id']}/cancel", json={}).status_code == 422
    assert events_of(einvoice["id"])[-1]["type"] == "einvoice.cancelled"


def test_a_cancelled_draft_has_no_number(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    assert perform(owner, draft["id"], "cancel", {"reason": "no"})["invoice_no"] is None
    assert owner.post(f"{URL}/{draft['id']}/issue").status_code == 409
