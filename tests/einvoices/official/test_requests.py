"""Checks on demand: the official rules on a document that somebody sends, within the answer or later."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices import tasks
from app.einvoices.legal import api as legal_api
from app.einvoices.models.official_requests import OfficialRequest
from app.einvoices.official import check_job, check_queue, official_answers, opinions, request_job, request_queue
from app.einvoices.official.request_queue import COMMAND_LINE, OfficialState
from app.extensions import db
from app.formats.canonical import Format
from app.formats.legal_format import LegalFormat
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.rules.official import xslt_processor
from tests.einvoices.documents.test_legal_documents import an_issued, fetch
from tests.einvoices.helpers import URL
from tests.formats.lawful import WRITERS, Document, Row
from tests.rules.official.stylesheets import FAULT, REPORT, write_set

EXAMPLE = Path("docs/examples/ubl-invoice.xml").read_bytes()
WRONG = EXAMPLE.replace(b"<cbc:ID>EA-2026-000456</cbc:ID>", b"")


@pytest.fixture
def without_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody works on the queue, and a call does not wait for it."""
    monkeypatch.setattr(request_queue, "trigger_checker", lambda: None)
    monkeypatch.setattr(legal_api, "WAIT_SECONDS", 0.0)


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker checks a document as soon as the row is there."""
    monkeypatch.setattr(request_queue, "trigger_checker", tasks.check_requested)


def send(owner: FlaskClient, content: bytes = EXAMPLE, query: str = "official=true") -> Any:
    answer = owner.post(f"{URL}/check?{query}", data=content, content_type="application/xml")
    assert answer.status_code == 200, answer.json
    return answer.json["official"]


def stored() -> list[OfficialRequest]:
    with unit_of_work():
        return list(db.session.scalars(db.select(OfficialRequest).execution_options(populate_existing=True)))


def has_content() -> bool:
    with unit_of_work():
        return db.session.scalar(db.select(OfficialRequest.content.is_not(None)))


def test_the_rules_are_not_asked_without_the_wish(owner: FlaskClient) -> None:
    assert send(owner, query="official=false") is None
    assert stored() == []


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(("content", "rules"), [(EXAMPLE, []), (WRONG, ["BR-02"])])
def test_the_answer_has_the_opinion(owner: FlaskClient, content: bytes, rules: list[str]) -> None:
    found = send(owner, content)
    assert (found["state"], found["valid"], found["error"]) == ("done", not rules, None)
    assert [each["rule"] for each in found["findings"]] == rules
    for each in found["findings"]:
        assert (each["severity"], each["path"], each["rule_set"]) == ("error", "/Invoice[1]", "en16931")
        assert each["message"].startswith("[BR-02]-An Invoice shall have an Invoice number")
    assert [(each["name"], len(each["sha256"])) for each in found["rule_sets"]] == [("en16931", 64)]
    assert not has_content()  # as soon as it was checked


@pytest.mark.usefixtures("without_worker")
def test_a_pending_opinion_is_fetched_later(owner: FlaskClient, owner_as: Callable[..., FlaskClient]) -> None:
    first = send(owner)
    assert (first["state"], first["valid"], first["findings"]) == ("pending", None, [])
    assert has_content()
    later = f"{URL}/check/official/{first['id']}"
    assert owner.get(later).json == first
    tasks.check_requested()
    assert (owner.get(later).json["state"], owner.get(later).json["valid"]) == ("done", True)
    assert send(owner) == owner.get(later).json  # the same document once more: nothing is checked again
    assert len(stored()) == 1
    assert owner_as().get(later).status_code == 404
    assert owner.get(f"{URL}/check/official/{first['id'] + 1}").status_code == 404


@pytest.mark.usefixtures("without_worker")
def test_a_request_is_gone_after_minutes(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    first = send(owner)
    over = clock.now() + request_queue.LIFETIME
    monkeypatch.setattr(clock, "now", lambda: over)
    assert owner.get(f"{URL}/check/official/{first['id']}").status_code == 404
    second = send(owner)
    assert (second["state"], len(stored())) == ("pending", 1)
    again = over + request_queue.LIFETIME
    monkeypatch.setattr(clock, "now", lambda: again)
    tasks.compact()
    assert len(stored()) == 1
    monkeypatch.setattr(clock, "now", lambda: again + request_queue.LIFETIME)
    tasks.compact()
    assert stored() == []


@pytest.mark.usefixtures("without_worker")
def test_a_document_that_kills_its_worker_does_not_come_back(
    owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(owner)
    with unit_of_work():
        assert work_queue.claim(OfficialRequest, request_job.LEASE)  # and then the worker is killed
    later = clock.now() + 2 * request_job.LEASE
    monkeypatch.setattr(clock, "now", lambda: later)
    assert request_job.check_next(check_queue.current_sets()) is False
    assert (send(owner)["state"], send(owner)["error"]) == ("failed", work_queue.WORKER_LOST)


@pytest.mark.usefixtures("without_worker")
def test_a_check_that_fails_says_why_and_nothing_internal(
    owner: FlaskClient, app: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "OFFICIAL_RULES_DIR", tmp_path)
    write_set(tmp_path, "ubl/en16931-9.9.xslt", '<xsl:sequence select="error()"/>')
    send(owner)
    tasks.check_requested()
    found = send(owner)
    assert (found["state"], found["valid"], found["error"]) == ("failed", None, opinions.UNEXPECTED_FAILURE)
    assert not has_content()
    write_set(tmp_path, "ubl/en16931-10.0.xslt", REPORT.format(FAULT))
    send(owner)  # by other rules the document is checked anew
    tasks.check_requested()
    assert [each["rule"] for each in send(owner)["findings"]] == ["NEW-1"]


@pytest.mark.usefixtures("without_worker")
def test_few_documents_of_a_user_wait(owner: FlaskClient, owner_as: Callable[..., FlaskClient]) -> None:
    documents = [EXAMPLE + b" " * number for number in range(request_queue.MOST_OF_USER + 1)]
    states = [send(owner, each)["state"] for each in documents]
    assert states == ["pending"] * request_queue.MOST_OF_USER + ["busy"]
    assert send(owner, documents[0])["state"] == "pending"
    assert send(owner_as())["state"] == "pending"
    tasks.check_requested()
    assert send(owner, documents[-1])["state"] == "pending"


@pytest.mark.usefixtures("without_worker")
def test_few_documents_of_all_users_wait(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "MOST", 1)
    assert [send(owner)["state"], send(owner, WRONG)["state"]] == ["pending", "busy"]


def test_what_cannot_be_checked_is_said(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    found = send(owner, WRITERS["inv-01"](Document([Row(Decimal(1), Decimal(100), Decimal(0), Decimal(18))])))
    assert (found["state"], found["id"]) == ("not_available", None)
    assert found["error"].startswith("The format has no official rules")
    monkeypatch.setattr(request_queue, "LARGEST", len(EXAMPLE) - 1)
    assert send(owner)["error"] == f"The document is larger than {len(EXAMPLE) - 1} bytes."
    monkeypatch.setattr(xslt_processor, "is_installed", lambda: False)
    assert send(owner)["error"] == "The package of the official rules is not installed."
    assert stored() == []


@pytest.mark.usefixtures("without_worker")
def test_stored_documents_let_a_waiting_person_go_first(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        fetch(owner, an_issued(owner), LegalFormat.UBL.value)
    send(owner)
    assert check_job.check_due() is True  # after the first of two
    tasks.check_requested()
    assert check_job.check_due() is False


def test_a_call_waits_for_a_bounded_time(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "trigger_checker", lambda: None)
    started = time.monotonic()
    answer = official_answers.ask(EXAMPLE, Format.UBL, COMMAND_LINE, seconds=0.3)
    assert answer.state is OfficialState.PENDING
    assert 0.3 <= time.monotonic() - started < 2


def test_few_calls_wait_at_the_same_time(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "trigger_checker", lambda: None)
    waited: list[float] = []

    def call() -> None:
        started = time.monotonic()
        with app.app_context():
            official_answers.ask(EXAMPLE, Format.UBL, COMMAND_LINE, seconds=1.5)
        waited.append(time.monotonic() - started)

    calls = [threading.Thread(target=call) for _ in range(4)]
    for each in calls:
        each.start()
    for each in calls:
        each.join()
    assert sum(each >= 1.5 for each in waited) == official_answers._OF_USER
    assert official_answers._places.total() == 0


def test_the_opinion_is_seen_by_a_call_that_waits(app: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "trigger_checker", lambda: None)
    answers: list[Any] = []

    def call() -> None:
        with app.app_context():
            answers.append(official_answers.ask(EXAMPLE, Format.UBL, COMMAND_LINE, seconds=20))

    caller = threading.Thread(target=call)
    caller.start()
    while not stored():
        time.sleep(0.05)
    tasks.check_requested()
    caller.join(10)
    assert [each.state for each in answers] == [OfficialState.DONE]
