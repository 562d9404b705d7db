"""The page of operations: what it tells, what it lets an administrator do, and that it looks well."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect
from redis import Redis
from sqlalchemy import select, text

from app.admin.operations import KINDS
from app.config import CANARY_SECONDS
from app.einvoices.work_models import EinvoicePdf
from app.extensions import bus, celery, db
from app.kernel import clock
from app.kernel.presence import Presence
from app.kernel.unit_of_work import unit_of_work
from app.kernel.web import Hub
from app.operations import backlogs, failures
from app.operations.tasks import canary
from app.pdf.printing import PRESSES
from tests.admin.conftest import looked_at
from tests.admin.test_signing import enter, token_of
from tests.factories import a_user

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
    Presence("beat", "beat@hub1/7").note()
    Presence("worker", "worker@hub1").note(["events", "default"])
    doing = [{"task": "pdf.print_einvoices", "id": "1", "since": clock.now().timestamp()}]
    Presence("printer", "printer@hub1").note(["pdf"], doing)


@pytest.fixture
def failed(app: Hub) -> None:
    """A task has failed."""
    with unit_of_work():
        failures.record(
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
    assert "pdf.print_einvoices" in page


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


def test_pdfs_that_were_given_up_are_asked_for_again(admin: FlaskClient) -> None:
    with unit_of_work():
        db.session.execute(text("SET LOCAL session_replication_role = replica"))
        db.session.add(EinvoicePdf(einvoice_id=1, state="failed", attempts=5, error="no font"))
    page = admin.get(PAGE).text
    assert "Make the PDFs again" in page
    answer = admin.post(f"{PAGE}/pdfs", data={"csrf_token": token_of(admin, PAGE)}, follow_redirects=True)
    assert "PDFs that are made again: 1." in answer.text
    with db.engine.connect() as connection:
        table = EinvoicePdf.__table__.c
        assert connection.execute(select(table.state, table.attempts, table.error)).all() == [("pending", 0, None)]


def test_every_kind_of_work_has_a_name_and_every_press_is_counted() -> None:
    assert set(backlogs.SOURCES) == set(KINDS)
    tables = {source.since.class_.__tablename__ for source in backlogs.SOURCES.values()}
    assert {press.rows.__tablename__ for press in PRESSES} <= tables


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
    Presence("worker", "worker@hub2").note(["default"])
    expect(page.locator("#processes")).to_contain_text("hub2", timeout=8000)


@pytest.mark.drill
@pytest.mark.usefixtures("at_work", "failed")
def test_it_looks_well(signed_in: Callable[..., Page], erp: FlaskClient) -> None:
    erp.get("/api/sales/invoices/")
    looked_at(signed_in, "operations", lambda page: page.goto(PAGE))
