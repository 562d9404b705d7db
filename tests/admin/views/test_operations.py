"""Operations page: its content, the actions of an administrator, its look."""

from __future__ import annotations

import re
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
from tests.admin.client import csrf_token
from tests.admin.conftest import check_page
from tests.factories import a_draft, a_seller, a_user
from tests.webhooks.receivers import Receiver

PAGE = "/admin/operations"


@pytest.fixture
def healthy_hub(app: Hub) -> None:
    """Beat, a worker and a printer are running, and every queue was processed just now."""
    for queue in CANARY_SECONDS:
        canary.apply(args=[queue])
    Heartbeat("beat", "beat@hub1/7").note()
    Heartbeat("worker", "worker@hub1").note(["events", "default"])
    doing = [{"task": "einvoices.print_pdfs", "id": "1", "since": clock.now().timestamp()}]
    Heartbeat("printer", "printer@hub1").note(["pdf"], doing)


@pytest.fixture
def failed_task(app: Hub) -> None:
    """One failed task."""
    with unit_of_work():
        failed_tasks.record(
            task_id="6f2c1c1e",
            task="operations.canary",
            arguments=["pdf"],
            worker="worker@hub1",
            request_id="of-the-caller",
            error="OperationalError: the connection was closed",
        )


@pytest.mark.usefixtures("healthy_hub")
def test_healthy_hub_shows_a_success_message(admin_client: FlaskClient) -> None:
    page = admin_client.get(PAGE).text
    assert "Everything works" in page
    assert "printer@hub1" in page
    assert "einvoices.print_pdfs" in page


def test_unprocessed_queue_is_shown_with_its_cause(admin_client: FlaskClient) -> None:
    page = admin_client.get(PAGE).text
    assert "Queue pdf is not processed. No worker of this queue is running." in page
    assert "Everything works" not in page


@pytest.mark.usefixtures("healthy_hub")
def test_lost_process_is_shown(admin_client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    moment = clock.now() + timedelta(seconds=11)
    monkeypatch.setattr(clock, "now", lambda: moment)
    assert "Process worker@hub1 has sent no heartbeat" in admin_client.get(PAGE).text


def test_page_works_without_redis(admin_client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "client", Redis.from_url("redis://127.0.0.1:1/0"))
    answer = admin_client.get(PAGE)
    assert answer.status_code == 200
    assert "Redis does not respond. Requests still work." in answer.text


@pytest.mark.parametrize("role", ["billing", "warehouse", "integrator"])
def test_other_roles_have_no_access(signed_in_client: Callable[..., FlaskClient], role: str) -> None:
    assert signed_in_client(role).get(PAGE).status_code == 403


@pytest.fixture
def failed_pdf(app: Hub) -> None:
    """A PDF that failed for good."""
    with unit_of_work():
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.add(EinvoicePdf(einvoice_id=1, state="failed", attempts=5, error="no font"))


@pytest.mark.usefixtures("failed_pdf")
def test_failed_pdfs_are_retried(admin_client: FlaskClient) -> None:
    page = admin_client.get(PAGE).text
    assert "Retry" in page
    answer = admin_client.post(
        f"{PAGE}/pdfs", data={"csrf_token": csrf_token(admin_client, PAGE)}, follow_redirects=True
    )
    assert "PDFs queued again: 1." in answer.text
    with db.engine.connect() as connection:
        table = EinvoicePdf.__table__.c
        assert connection.execute(select(table.state, table.attempts, table.error)).all() == [("pending", 0, None)]


def test_failed_sendings_are_retried_with_the_same_key(admin_client: FlaskClient) -> None:
    with unit_of_work():
        owner = a_user(role="billing").id
        a_seller(owner)
        open_, sent = (drafts.create(a_draft(), owner, "test").id for _ in range(2))
        issue.issue(open_, None, "test")
        issue.issue(sent, None, "test").status = "sent"
        rows = [EinvoiceSending(einvoice_id=id_, provider="http", key=uuid4(), state="failed") for id_ in (open_, sent)]
        for row in rows:
            row.attempts, row.error, row.due_at = 6, "The provider answered 503.", clock.now()
            db.session.add(row)
        key = rows[0].key
    assert "Retry" in admin_client.get(PAGE).text
    answer = admin_client.post(
        f"{PAGE}/sendings", data={"csrf_token": csrf_token(admin_client, PAGE)}, follow_redirects=True
    )
    assert "E-invoices queued again: 1." in answer.text
    assert "Retry" not in answer.text
    with db.engine.connect() as connection:
        table = EinvoiceSending.__table__.c
        waiting = select(table.einvoice_id, table.key, table.attempts, table.error).where(table.state == "pending")
        assert connection.execute(waiting).all() == [(open_, key, 0, None)]
        assert connection.scalar(select(Einvoice.provider_status).where(Einvoice.id == open_)) == "queued"
        audited = select(AuditEntry.actor, AuditEntry.details).where(AuditEntry.action == "sendings.retried")
        assert connection.execute(audited).all() == [("user:1", {"count": 1})]


def test_failing_endpoint_is_disabled_with_a_reason_and_enabled(
    admin_client: FlaskClient, subscribe: Any, receiver: Receiver
) -> None:
    endpoint = subscribe(receiver, "*", description="ERP of the head office")
    assert "ERP of the head office" not in admin_client.get(PAGE).text
    with unit_of_work():
        db.session.add(AttemptCount(endpoint_id=endpoint.id, minute=clock.now(), made=9, failed=7))
    page = admin_client.get(PAGE).text
    assert "ERP of the head office" in page
    assert "7 of 9" in page
    form = {"csrf_token": csrf_token(admin_client, PAGE), "reason": "The ERP is being moved."}
    admin_client.post(f"{PAGE}/endpoints/{endpoint.id}/pause", data=form | {"reason": ""})
    assert endpoint.row.status == "enabled"
    answer = admin_client.post(f"{PAGE}/endpoints/{endpoint.id}/pause", data=form, follow_redirects=True)
    assert "Endpoint disabled." in answer.text
    assert "The ERP is being moved." in answer.text
    assert (endpoint.row.status, endpoint.row.reason) == ("disabled", "The ERP is being moved.")
    admin_client.post(f"{PAGE}/endpoints/{endpoint.id}/resume", data=form)
    assert endpoint.row.status == "enabled"
    with db.engine.connect() as connection:
        actions = select(AuditEntry.action).where(AuditEntry.actor.like("user:%")).order_by(AuditEntry.id)
        assert connection.scalars(actions).all()[-2:] == ["webhook_endpoint.disabled", "webhook_endpoint.enabled"]


@pytest.mark.usefixtures("healthy_hub")
def test_queue_is_drained_and_resumed(admin_client: FlaskClient) -> None:
    form = {"csrf_token": csrf_token(admin_client, PAGE)}
    page = admin_client.post(f"{PAGE}/queues/pdf/drain", data=form, follow_redirects=True).text
    assert re.search(r"User \d+ drained queue pdf at", page)
    assert "Everything works" not in page
    assert queue_drain.drained_queues() == {"pdf"}
    page = admin_client.post(f"{PAGE}/queues/pdf/resume", data=form, follow_redirects=True).text
    assert "Everything works" in page
    assert queue_drain.drained_queues() == set()
    assert admin_client.post(f"{PAGE}/queues/celery/drain", data=form).status_code == 404
    with db.engine.connect() as connection:
        audited = select(AuditEntry.action, AuditEntry.subject).where(AuditEntry.action.like("queue.%"))
        audited = audited.order_by(AuditEntry.id)
        assert connection.execute(audited).all() == [("queue.drained", "queue:pdf"), ("queue.resumed", "queue:pdf")]


@pytest.mark.parametrize(
    "address", ["queues/pdf/drain", "queues/pdf/resume", "sendings", "endpoints/1/pause", "endpoints/1/resume"]
)
def test_every_action_requires_the_csrf_token(admin_client: FlaskClient, address: str) -> None:
    assert admin_client.post(f"{PAGE}/{address}", data={"reason": "x"}).status_code == 400


def test_every_kind_of_work_has_a_label_and_every_print_queue_is_counted() -> None:
    assert set(backlogs.SOURCES) == set(KINDS)
    tables = {source.since.class_.__tablename__ for source in backlogs.SOURCES.values()}
    assert {queue.rows.__tablename__ for queue in PRINT_QUEUES} <= tables


@pytest.mark.usefixtures("healthy_hub", "failed_task")
@pytest.mark.slow
def test_failed_task_is_run_again(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.get_by_role("link", name="Operations").click()
    row = page.get_by_role("row", name="operations.canary")
    expect(row).to_contain_text("the connection was closed")
    row.get_by_role("button", name="Run again").click()
    expect(page.get_by_role("status")).to_contain_text("Task operations.canary is queued again.")
    expect(row.get_by_role("button")).to_have_count(0)
    with celery.connection_for_read() as connection:
        assert connection.default_channel.client.llen("default") == 1


@pytest.mark.usefixtures("healthy_hub")
def test_page_refreshes_itself(signed_in: Callable[..., Page]) -> None:
    page = signed_in()
    page.goto(PAGE)
    expect(page.get_by_text("Everything works")).to_be_visible()
    Heartbeat("worker", "worker@hub2").note(["default"])
    expect(page.locator("#processes")).to_contain_text("hub2", timeout=8000)


@pytest.fixture
def problems(subscribe: Any, receiver: Receiver, failed_pdf: None) -> None:
    """A failing endpoint, a disabled endpoint and a drained queue."""
    failing = subscribe(receiver, "*", description="ERP of the head office")
    disabled = subscribe(receiver, "*")
    with unit_of_work():
        db.session.add(AttemptCount(endpoint_id=failing.id, minute=clock.now(), made=9, failed=7))
        endpoint = endpoints.find_for_update(disabled.id, None)
        circuit_breaker.disable(endpoint, "The receiver answered 410 Gone: it wants nothing more.", actor="test")
        queue_drain.drain("retries", actor="user:1")


@pytest.mark.drill
@pytest.mark.usefixtures("healthy_hub", "failed_task", "problems")
def test_page_is_accessible(signed_in: Callable[..., Page], erp: FlaskClient) -> None:
    erp.get("/api/sales/invoices/")
    check_page(signed_in, "operations", lambda page: page.goto(PAGE))
