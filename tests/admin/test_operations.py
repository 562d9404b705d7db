"""The page of operations: what it tells, what it lets an administrator do, and that it looks well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from redis import Redis
from sqlalchemy import select, text

from app.accounts.models.accounts import AuditEntry
from app.admin.views.operations import KINDS
from app.celery_config import CANARY_SECONDS
from app.einvoices.lifecycle import drafts, issue
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import EinvoicePdf, EinvoiceSending
from app.extensions import bus, celery, db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.heartbeat import Heartbeat
from app.operations.monitoring import backlogs, failed_tasks, queue_drain
from app.operations.tasks import canary
from app.pdf.print_queue import PRINT_QUEUES
from app.webhooks.endpoints import service as endpoints
from app.webhooks.models.endpoints import AttemptCount
from app.webhooks.sender import circuit_breaker
from tests.admin.conftest import looked_at
from tests.admin.test_signing import enter, token_of
from tests.factories import a_draft, a_user
from tests.webhooks.receivers import Receiver

PAGE = "/admin/operations"


@pytest.fixture
def admin(app: Hub) -> FlaskClient:
    with unit_of_work():
        user = a_user(role="admin")
    client = app.test_client()
    enter(client, user)
    return client


@pytest.fixture
def at_work(app: Hub) -> None:
    """Beat, a worker and a printer are there, and every queue has just been worked on."""
    for queue in CANARY_SECONDS:
        canary.apply(args=[queue])
    Heartbeat("beat", "beat@hub1/7").note()
    Heartbeat("worker", "worker@hub1").note(["events", "default"])
    doing = [{"task": "einvoices.print_pdfs", "id": "1", "since": clock.now().timestamp()}]
    Heartbeat("printer", "printer@hub1").note(["pdf"], doing)


@pytest.fixture
def failed(app: Hub) -> None:
    """A task has failed."""
    with unit_of_work():
        failed_tasks.record(
            task_id="6f2c1c1e",
            task="operations.canary",
            arguments=["pdf"],
            worker="worker@hub1",
            request_id="of-the-caller",
            error="OperationalError: the connection was closed",
        )


@pytest.mark.usefixtures("at_work")
def test_a_hub_that_is_well_says_so(admin: FlaskClient) -> None:
    page = admin.get(PAGE).text
    assert "All is well" in page
    assert "printer@hub1" in page
    assert "einvoices.print_pdfs" in page


def test_what_stands_still_is_named_with_its_reason(admin: FlaskClient) -> None:
    page = admin.get(PAGE).text
    assert "Queue pdf stands still. No worker of this queue is alive." in page
    assert "All is well" not in page


@pytest.mark.usefixtures("at_work")
def test_who_went_without_a_word_is_named(admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = clock.now() + timedelta(seconds=11)
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert "worker@hub1 went without a word" in admin.get(PAGE).text


def test_without_redis_the_page_still_tells(admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "client", Redis.from_url("redis://127.0.0.1:1/0"))
    answer = admin.get(PAGE)
    assert answer.status_code == 200
    assert "Redis does not answer. Requests go on" in answer.text


@pytest.mark.parametrize("role", ["billing", "warehouse", "integrator"])
def test_it_is_for_administrators(app: Hub, role: str) -> None:
    with unit_of_work():
        user = a_user(role=role)
    client = app.test_client()
    enter(client, user)
    assert client.get(PAGE).status_code == 403


@pytest.fixture
def failed_pdf(app: Hub) -> None:
    """A PDF was given up."""
    with unit_of_work():
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.add(EinvoicePdf(einvoice_id=1, state="failed", attempts=5, error="no font"))


@pytest.mark.usefixtures("failed_pdf")
def test_pdfs_that_were_given_up_are_asked_for_again(admin: FlaskClient) -> None:
    page = admin.get(PAGE).text
    assert "Make them again" in page
    answer = admin.post(f"{PAGE}/pdfs", data={"csrf_token": token_of(admin, PAGE)}, follow_redirects=True)
    assert "PDFs that are made again: 1." in answer.text
    with db.engine.connect() as connection:
        table = EinvoicePdf.__table__.c
        assert connection.execute(select(table.state, table.attempts, table.error)).all() == [("pending", 0, None)]


def test_e_invoices_that_were_given_up_are_sent_again_under_their_key(admin: FlaskClient) -> None:
    with unit_of_work():
        owner = a_user(role="billing").id
        open_, sent = (drafts.create(a_draft(), owner).id for _ in range(2))
        issue.issue(open_, None)
        issue.issue(sent, None).status = "sent"
        rows = [EinvoiceSending(einvoice_id=id_, provider="http", key=uuid4(), state="failed") for id_ in (open_, sent)]
        for row in rows:
            row.attempts, row.error, row.due_at = 6, "The provider answered 503.", clock.now()
            db.session.add(row)
        key = rows[0].key
    assert "Send them again" in admin.get(PAGE).text
    answer = admin.post(f"{PAGE}/sendings", data={"csrf_token": token_of(admin, PAGE)}, follow_redirects=True)
    assert "E-invoices that are sent again: 1." in answer.text
    assert "Send them again" not in answer.text
    with db.engine.connect() as connection:
        table = EinvoiceSending.__table__.c
        waiting = select(table.einvoice_id, table.key, table.attempts, table.error).where(table.state == "pending")
        assert connection.execute(waiting).all() == [(open_, key, 0, None)]
        assert connection.scalar(select(Einvoice.provider_status).where(Einvoice.id == open_)) == "queued"
        audited = select(AuditEntry.actor, AuditEntry.details).where(AuditEntry.action == "sendings.retried")
        assert connection.execute(audited).all() == [("user:1", {"count": 1})]


def test_an_endpoint_in_trouble_is_paused_with_a_reason_and_resumed(
    admin: FlaskClient, subscribe: Any, receiver: Receiver
) -> None:
    endpoint = subscribe(receiver, "*", description="ERP of the head office")
    assert "ERP of the head office" not in admin.get(PAGE).text
    with unit_of_work():
        db.session.add(AttemptCount(endpoint_id=endpoint.id, minute=clock.now(), made=9, failed=7))
    page = admin.get(PAGE).text
    assert "ERP of the head office" in page
    assert "7 of 9" in page
    sent = {"csrf_token": token_of(admin, PAGE), "reason": "The ERP is being moved."}
    admin.post(f"{PAGE}/endpoints/{endpoint.id}/pause", data=sent | {"reason": ""})
    assert endpoint.row.status == "enabled"
    answer = admin.post(f"{PAGE}/endpoints/{endpoint.id}/pause", data=sent, follow_redirects=True)
    assert "Switched off." in answer.text
    assert "The ERP is being moved." in answer.text
    assert (endpoint.row.status, endpoint.row.reason) == ("disabled", "The ERP is being moved.")
    admin.post(f"{PAGE}/endpoints/{endpoint.id}/resume", data=sent)
    assert endpoint.row.status == "enabled"
    with db.engine.connect() as connection:
        actions = select(AuditEntry.action).where(AuditEntry.actor.like("user:%")).order_by(AuditEntry.id)
        assert connection.scalars(actions).all()[-2:] == ["webhook_endpoint.disabled", "webhook_endpoint.enabled"]


@pytest.mark.usefixtures("at_work")
def test_a_queue_is_drained_and_worked_on_again(admin: FlaskClient) -> None:
    sent = {"csrf_token": token_of(admin, PAGE)}
    page = admin.post(f"{PAGE}/queues/pdf/drain", data=sent, follow_redirects=True).text
    assert "Queue pdf is drained since" in page
    assert "All is well" not in page
    assert queue_drain.drained_queues() == {"pdf"}
    page = admin.post(f"{PAGE}/queues/pdf/resume", data=sent, follow_redirects=True).text
    assert "All is well" in page
    assert queue_drain.drained_queues() == set()
    assert admin.post(f"{PAGE}/queues/celery/drain", data=sent).status_code == 404
    with db.engine.connect() as connection:
        audited = select(AuditEntry.action, AuditEntry.subject).where(AuditEntry.action.like("queue.%"))
        assert connection.execute(audited).all() == [("queue.drained", "queue:pdf"), ("queue.resumed", "queue:pdf")]


@pytest.mark.parametrize(
    "address", ["queues/pdf/drain", "queues/pdf/resume", "sendings", "endpoints/1/pause", "endpoints/1/resume"]
)
def test_nothing_is_done_without_the_forms_token(admin: FlaskClient, address: str) -> None:
    assert admin.post(f"{PAGE}/{address}", data={"reason": "x"}).status_code == 400


def test_every_kind_of_work_has_a_name_and_every_press_is_counted() -> None:
    assert set(backlogs.SOURCES) == set(KINDS)
    tables = {source.since.class_.__tablename__ for source in backlogs.SOURCES.values()}
    assert {press.rows.__tablename__ for press in PRINT_QUEUES} <= tables


@pytest.mark.usefixtures("at_work", "failed")
@pytest.mark.main_job
def test_a_failed_task_is_run_again(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.get_by_role("link", name="Operations").click()
    row = page.get_by_role("row", name="operations.canary")
    expect(row).to_contain_text("the connection was closed")
    row.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("status")).to_contain_text("operations.canary is on its way again.")
    expect(row.get_by_role("button")).to_have_count(0)
    with celery.connection_for_read() as connection:
        assert connection.default_channel.client.llen("default") == 1


@pytest.mark.usefixtures("at_work")
def test_the_page_looks_again_by_itself(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.goto(PAGE)
    expect(page.get_by_text("All is well")).to_be_visible()
    Heartbeat("worker", "worker@hub2").note(["default"])
    expect(page.locator("#processes")).to_contain_text("hub2", timeout=8000)


@pytest.fixture
def in_trouble(subscribe: Any, receiver: Receiver, failed_pdf: None) -> None:
    """One endpoint fails, another was switched off, and a queue is drained."""
    failing = subscribe(receiver, "*", description="ERP of the head office")
    gone = subscribe(receiver, "*")
    with unit_of_work():
        db.session.add(AttemptCount(endpoint_id=failing.id, minute=clock.now(), made=9, failed=7))
        endpoint = endpoints.find_for_update(gone.id, None)
        circuit_breaker.disable(endpoint, "The receiver answered 410 Gone: it wants nothing more.", actor="test")
        queue_drain.drain("retries", actor="user:1")


@pytest.mark.drill
@pytest.mark.usefixtures("at_work", "failed", "in_trouble")
def test_it_looks_well(signed_in: Callable[..., Page], erp: FlaskClient) -> None:
    erp.get("/api/sales/invoices/")
    looked_at(signed_in, "operations", lambda page: page.goto(PAGE))
