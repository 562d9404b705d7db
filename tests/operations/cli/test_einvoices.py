"""Commands for e-invoices in doubt: list and settle; the doctor and the metrics show them."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.operations import doctor
from app.operations.monitoring import backlogs
from tests.operations.cli.cli_helpers import Run, error_line, stored_rows


def test_doubts_are_listed_and_settled(run: Run, doubtful: tuple[int, str]) -> None:
    einvoice_id, number = doubtful
    listed = run("einvoices", "in-doubt").output
    assert f"{einvoice_id}  {number}  http  since " in listed
    assert listed.endswith("UTC: The provider answered 503.\n1 e-invoices are in doubt.\n")
    words = ("einvoices", "settle-doubt", str(einvoice_id), "--taken", "--reason", "Seen in the portal")
    assert run(*words).output == f"{number} is sent; its provider status is taken.\n"
    [entry] = [row for row in stored_rows(AuditEntry) if row.action == "einvoice.doubt_settled"]
    assert (entry.actor, entry.details["reason"]) == ("command line", "Seen in the portal")
    assert run("einvoices", "in-doubt").output == "0 e-invoices are in doubt.\n"
    assert error_line(run(*words)) == "Error: The sending of this e-invoice is not in doubt."


@pytest.mark.parametrize("words", [("--taken",), ("--reason", "x"), ("--taken", "--reason", " ")])
def test_a_decision_needs_a_choice_and_a_reason(run: Run, doubtful: tuple[int, str], words: tuple[str, ...]) -> None:
    assert run("einvoices", "settle-doubt", str(doubtful[0]), *words).exit_code == 2
    assert "1 e-invoices" in run("einvoices", "in-doubt").output


def test_the_doctor_and_the_metrics_show_a_doubt(doubtful: tuple[int, str], anybody: FlaskClient) -> None:
    [finding] = [finding for finding in doctor.run_checks() if finding.subject == "e-invoices"]
    assert finding.message.startswith("1 are in doubt")
    assert "einvoices in-doubt" in finding.remedy
    [backlog] = [each for each in backlogs.list_backlogs() if each.kind == "sendings"]
    assert (backlog.failed, backlog.in_doubt) == (0, 1)
    assert 'hub_work_in_doubt{kind="sendings"} 1.0' in anybody.get("/metrics").text
