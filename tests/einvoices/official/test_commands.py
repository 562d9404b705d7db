"""Commands of official checks: documents are checked again, and the report says what is faulty; the doctor's lines."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.einvoices import tasks
from app.einvoices.models.documents import EinvoiceOfficialCheck
from app.einvoices.official import request_queue
from app.kernel.http.app import Hub
from app.operations.cli import document_commands
from app.operations.monitoring import backlogs
from tests.einvoices.documents.test_legal_documents import an_issued, fetch
from tests.operations.cli.cli_helpers import Run, stored_rows
from tests.rules.official.stylesheets import FAULT, REPORT, write_set


@pytest.fixture
def run(app: Hub) -> Run:
    return lambda *words: app.test_cli_runner().invoke(args=[*words])


def test_documents_are_checked_again_and_reported(
    app: Hub, run: Run, owner: FlaskClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = an_issued(owner)
    fetch(owner, sale, "ubl")
    assert {each.kind: each.due for each in backlogs.list_backlogs()}["official_checks"] == 1
    tasks.check_documents()
    assert run("einvoices", "recheck").output.startswith("0 documents wait")
    good = run("einvoices", "official-report")
    assert good.exit_code == 0
    assert "ubl  1 valid, 0 faulty, 0 without a rule set, 0 waiting, 0 not checked" in good.output
    assert "rules  ubl  en16931 1.3.16  " in good.output
    monkeypatch.setitem(app.config, "OFFICIAL_RULES_DIR", tmp_path)
    write_set(tmp_path, "ubl/en16931-9.0.0.xslt", REPORT.format(FAULT))
    write_set(tmp_path, "notes.txt")
    assert run("einvoices", "recheck").output.startswith("1 documents wait")
    tasks.check_documents()
    bad = run("einvoices", "official-report")
    assert bad.exit_code == 1
    assert f"new  {sale['id']}  {sale['invoice_no']}  ubl 1  en16931 9.0.0: NEW-1\n" in bad.output
    said = run("hub", "doctor").output
    assert "ubl en16931 9.0.0" in said
    assert "notes.txt is not used" in said
    assert "-> Name it FORMAT/NAME-VERSION.xslt" in said
    assert run("einvoices", "recheck", "--all").output.startswith("1 documents wait")
    assert [row.state for row in stored_rows(EinvoiceOfficialCheck)] == ["pending"]


def test_the_doctor_knows_when_the_folder_is_missing(
    app: Hub, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "OFFICIAL_RULES_DIR", tmp_path / "none")
    said = run("hub", "doctor").output
    assert "none is no folder" in said
    assert "-> Create it, or unset OFFICIAL_RULES_DIR." in said


def test_a_file_is_checked_by_the_official_rules(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "trigger_checker", tasks.check_requested)
    good = run("einvoices", "check", "docs/examples/ubl-invoice.xml", "--official")
    assert good.exit_code == 0, good.output
    assert "0 findings of official rules: en16931 1.3.16 " in good.output
    wrong = tmp_path / "wrong.xml"
    wrong.write_text(Path("docs/examples/ubl-invoice.xml").read_text().replace("<cbc:ID>EA-2026-000456</cbc:ID>", ""))
    bad = run("einvoices", "check", str(wrong), "--official")
    assert bad.exit_code == 1
    assert "official error  BR-02  /Invoice[1]  [BR-02]-An Invoice shall have an Invoice number" in bad.output


def test_without_a_worker_the_command_says_so(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_queue, "trigger_checker", lambda: None)
    monkeypatch.setattr(document_commands, "_PATIENCE", 0.0)
    found = run("einvoices", "check", "docs/examples/ubl-invoice.xml", "--official")
    assert found.exit_code == 1
    assert "official rules: pending; repeat the command later" in found.output
