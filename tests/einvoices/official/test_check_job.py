"""Official checks of stored documents: queued with the document, leased, stored, and repeated with newer sets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func

from app.einvoices import tasks
from app.einvoices.documents import legal_documents, written_documents
from app.einvoices.documents.written_documents import NewDocument
from app.einvoices.evidence import removals
from app.einvoices.models.documents import EinvoiceDocument, EinvoiceOfficialCheck
from app.einvoices.official import check_job, check_queue, check_report
from app.extensions import db
from app.formats.legal_format import LegalFormat
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.work_queue import DELAYS, WORKER_LOST
from app.operations import attention
from app.rules.official import xslt_processor
from tests.einvoices.documents.test_legal_documents import an_issued, fetch
from tests.einvoices.helpers import URL
from tests.rules.official.stylesheets import FAULT, REPORT, write_set


def check() -> EinvoiceOfficialCheck:
    """The one check."""
    with unit_of_work():
        return db.session.scalars(db.select(EinvoiceOfficialCheck).execution_options(populate_existing=True)).one()


def official(owner: FlaskClient, sale: dict[str, Any], name: str = "ubl") -> Any:
    listed = {each["format"]: each for each in owner.get(f"{URL}/{sale['id']}/documents").json["data"]}
    return listed[name]["document"]["official"]


def needs() -> list[str]:
    found = attention.list_needs(lambda _ability: True, None)
    return [f"{'!' if need.is_red else ''}{need.message}" for need in found if need.kind == "official_checks"]


@pytest.mark.parametrize(("name", "broken"), [("ubl", set()), ("cii", set()), ("ubl-tr", {"InvoiceIDCheck-1"})])
def test_a_written_document_is_checked(owner: FlaskClient, name: str, broken: set[str]) -> None:
    sale = an_issued(owner)
    fetch(owner, sale, name)
    assert (official(owner, sale, name)["state"], official(owner, sale, name)["valid"]) == ("pending", None)
    tasks.check_documents()
    found = official(owner, sale, name)
    assert (found["state"], found["valid"]) == ("done", not broken)
    assert [len(each["sha256"]) for each in found["rule_sets"]] == [64]
    # The prefix of the number has two characters, and GİB wants three.
    assert {each["rule"] for each in found["findings"] if each["severity"] == "error"} == broken
    assert found["checked_at"]
    assert len(needs()) == bool(broken)


def test_a_factur_x_is_opened_and_checked(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    legal_documents.write(sale["id"], LegalFormat.FACTUR_X)
    tasks.check_documents()
    found = official(owner, sale, "factur-x")
    assert (found["valid"], [each["name"] for each in found["rule_sets"]]) == (True, ["factur-x-en16931"])


def test_a_document_without_official_rules_is_not_queued(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    with unit_of_work():
        new = NewDocument(format="inv-01", media_type="application/json", content=b"{}")
        written_documents.store(sale["id"], new)
    assert official(owner, sale, "inv-01") is None
    assert check_queue.queue_outdated(everything=True) == 0


def test_a_document_of_a_rolled_back_transaction_has_no_check(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    new = NewDocument(format="ubl", media_type="application/xml", content=b"<a/>")
    with pytest.raises(RuntimeError, match="late"), unit_of_work():
        written_documents.store(sale["id"], new)
        raise RuntimeError("late")
    with unit_of_work():
        assert db.session.scalar(db.select(func.count()).select_from(EinvoiceOfficialCheck)) == 0


def test_a_killed_worker_loses_nothing(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = an_issued(owner)
    fetch(owner, sale, "ubl")
    sets = check_queue.current_sets()
    with unit_of_work():
        assert check_job._claim(sets) is not None  # and then the worker is killed
    assert check_job.check_next(sets) is False
    later = clock.now() + check_job.LEASE + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    assert check_job.check_next(sets) is True
    assert (official(owner, sale)["valid"], check().attempts) == (True, 2)


def test_a_document_that_kills_each_worker_is_given_up(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = an_issued(owner)
    fetch(owner, sale, "ubl")
    sets, moment = check_queue.current_sets(), clock.now()
    for number in range(len(DELAYS) + 2):
        later = moment + number * 2 * check_job.LEASE
        monkeypatch.setattr(clock, "now", lambda later=later: later)
        with unit_of_work():
            assert (check_job._claim(sets) is None) == (number > len(DELAYS))
    assert (official(owner, sale)["state"], official(owner, sale)["error"]) == ("failed", WORKER_LOST)
    assert needs() == ["Legal documents that could not be checked by the official rules: 1"]
    tasks.recheck_documents()
    assert check().state == "failed"
    assert check_queue.queue_outdated(failed=True) == 1
    tasks.check_documents()
    assert official(owner, sale)["valid"] is True
    assert needs() == []


def test_newer_rules_check_again_and_the_report_says_what_changed(
    app: Hub, owner: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale, other = an_issued(owner), an_issued(owner)
    fetch(owner, sale, "ubl")
    fetch(owner, other, "cii")
    tasks.check_documents()
    before = official(owner, sale)
    monkeypatch.setitem(app.config, "OFFICIAL_RULES_DIR", tmp_path)
    assert check_queue.queue_outdated() == 0
    write_set(tmp_path, "ubl/en16931-9.0.0.xslt", REPORT.format(FAULT))
    tasks.recheck_documents()
    assert (official(owner, sale)["state"], official(owner, other, "cii")["state"]) == ("pending", "done")
    tasks.check_documents()
    after = official(owner, sale)
    assert (before["valid"], after["valid"]) == (True, False)
    assert [each["version"] for each in after["rule_sets"]] == ["9.0.0"]
    assert [each["rule"] for each in after["findings"]] == ["NEW-1"]
    with unit_of_work():
        [faulty] = check_report.list_faulty(10)
        counted = {each.format: (each.valid, each.faulty) for each in check_report.count_by_format()}
    assert (faulty.einvoice_id, faulty.rule_sets, faulty.rules, faulty.is_new) == (
        sale["id"], ("en16931 9.0.0",), ("NEW-1",), True
    )  # fmt: skip
    assert counted == {"ubl": (0, 1), "cii": (1, 0)}
    assert needs() == ["!Legal documents in which the official rules find an error: 1"]
    tasks.recheck_documents()
    assert official(owner, sale)["state"] == "done"


def test_a_later_version_takes_the_place_of_a_faulty_one(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    content = fetch(owner, sale, "ubl").data
    for changed in (content.replace(b"<cbc:ID>EA", b"<cbc:XX>EA"), content):
        with unit_of_work():
            new = NewDocument(format="ubl", media_type="application/xml", content=changed + b"<!-- -->")
            written_documents.store(sale["id"], new)
    tasks.check_documents()
    with unit_of_work():
        states = db.session.scalars(db.select(EinvoiceOfficialCheck.state).order_by(EinvoiceOfficialCheck.document_id))
        assert list(states) == ["done", "failed", "done"]
    assert needs() == []


def test_a_missing_file_and_an_unusable_set_say_so(
    app: Hub, owner: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = an_issued(owner)
    fetch(owner, sale, "ubl")
    monkeypatch.setitem(app.config, "OFFICIAL_RULES_DIR", tmp_path)
    write_set(tmp_path, "ubl/en16931-9.0.0.xslt", top='<xsl:include href="x.xslt"/>')
    tasks.check_documents()
    assert (check().state, check().error) == (
        "pending",
        "en16931-9.0.0.xslt: it includes other files; a rule set is one file",
    )
    with unit_of_work():
        file_store().remove(db.session.scalars(db.select(EinvoiceDocument)).one().path)
        db.session.execute(db.update(EinvoiceOfficialCheck).values(due_at=clock.now()))
    tasks.check_documents()
    assert (check().state, check().error) == ("failed", "The file of the document is missing.")


def test_removed_personal_data_takes_the_check_along(owner: FlaskClient) -> None:
    sale = an_issued(owner)
    fetch(owner, sale, "ubl")
    sets = check_queue.current_sets()
    with unit_of_work():
        assert removals.remove_personal_data(sale["id"], "retention", "test")
    assert check_job.check_next(sets) is False


def test_without_the_package_the_hub_works_and_catches_up_later(
    app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = an_issued(owner)
    with monkeypatch.context() as patch:
        patch.setattr(xslt_processor, "PACKAGE", "no_such_package")
        assert fetch(owner, sale, "ubl").status_code == 200
        tasks.check_documents()
        tasks.recheck_documents()
        assert official(owner, sale) is None
        said = app.test_cli_runner().invoke(args=["hub", "doctor"]).output
        assert "documents are not checked by them: pip install" in said
        result = app.test_cli_runner().invoke(args=["einvoices", "recheck"])
        assert (result.exit_code, "saxonche" in result.output) == (1, False)
    tasks.recheck_documents()
    tasks.check_documents()
    assert official(owner, sale)["valid"] is True
