"""Commands for e-invoices in doubt: list and settle; the doctor and the metrics show them."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts.models.accounts import AuditEntry, User
from app.einvoices.decisions import decision_checks
from app.einvoices.lifecycle import drafts
from app.einvoices.models.series import EinvoiceSeries
from app.einvoices.models.work import CheckState, EinvoiceSending
from app.einvoices.queries import lookup
from app.extensions import db
from app.formats.canonical import Format
from app.formats.canonical_json import canonical_bytes
from app.formats.writers.document_writer import write_document
from app.kernel.unit_of_work import unit_of_work
from app.operations import doctor
from app.operations.monitoring import backlogs
from tests.factories import a_draft, a_user
from tests.formats.hub_invoices import invoice
from tests.formats.lawful import Document, Row, inv01, ubl_tr
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


def test_a_contradicted_decision_is_listed_and_made_again(run: Run, doubtful: tuple[int, str]) -> None:
    einvoice_id, number = doubtful
    words = ("einvoices", "settle-doubt", str(einvoice_id), "--reason", "x")
    assert run(*words, "--taken").exit_code == 0
    with unit_of_work():
        [row] = stored_rows(EinvoiceSending)
        stored = db.session.get_one(EinvoiceSending, row.id)
        decision_checks.dispute(
            lookup.find(einvoice_id, None), stored, CheckState.CONTRADICTED, decision_checks.NOT_THERE
        )
    assert decision_checks.NOT_THERE in run("einvoices", "in-doubt").output
    assert run(*words, "--not-taken").output == f"{number} is issued; its provider status is failed.\n"
    assert run("einvoices", "in-doubt").output == "0 e-invoices are in doubt.\n"


@pytest.mark.parametrize("words", [("--taken",), ("--reason", "x"), ("--taken", "--reason", " ")])
def test_a_decision_needs_a_choice_and_a_reason(run: Run, doubtful: tuple[int, str], words: tuple[str, ...]) -> None:
    assert run("einvoices", "settle-doubt", str(doubtful[0]), *words).exit_code == 2
    assert "1 e-invoices" in run("einvoices", "in-doubt").output


def test_the_doctor_and_the_metrics_show_a_doubt(doubtful: tuple[int, str], anybody: FlaskClient) -> None:
    [finding] = [each for each in doctor.run_checks() if each.subject == "attention" and "doubt" in each.message]
    assert finding.message.endswith("no clear answer: 1")
    assert "einvoices in-doubt" in finding.remedy
    [backlog] = [each for each in backlogs.list_backlogs() if each.kind == "sendings"]
    assert (backlog.failed, backlog.in_doubt) == (0, 1)
    assert 'hub_work_in_doubt{kind="sendings"} 1.0' in anybody.get("/metrics").text


def test_the_seller_is_changed_and_the_readiness_told(run: Run, doubtful: tuple[int, str]) -> None:
    with unit_of_work():
        user = a_user(role="billing")
        draft_id = drafts.create(a_draft(buyer={"name": "A", "tax_office": "Bursa"}), user.id, "test").id
    answer = run("einvoices", "readiness", str(draft_id))
    assert answer.exit_code == 1
    assert f"{draft_id}  seller.tax_id: The tax number of the seller is missing.\n" in answer.output
    assert f"{draft_id}  buyer.address: The buyer is a company, and its address is missing.\n" in answer.output
    words = ("--name", "A Ltd.", "--tax-id", "1234567890", "--address", "Bursa", "--country", "IN")
    said = run("einvoices", "seller", user.email, *words, "--prices-include-vat").output
    assert said == "A Ltd., tax number 1234567890, time zone Asia/Kolkata\n"
    assert error_line(run("einvoices", "seller", user.email, "--country", "XX")).startswith("Error: country: Must be")
    with unit_of_work():
        buyer = {"name": "A", "tax_id": "9876543210", "address": "Bursa"}
        drafts.change(draft_id, {"buyer": buyer}, None, "test")
    assert run("einvoices", "readiness", str(draft_id)).output == f"{draft_id}  ready\n"
    assert "cannot be issued" in error_line(run("einvoices", "readiness", str(doubtful[0])))


def test_public_links_are_created_listed_and_revoked(run: Run, doubtful: tuple[int, str], anybody: FlaskClient) -> None:
    einvoice_id = str(doubtful[0])
    first, second = (
        run("einvoices", "link", einvoice_id, *words).output for words in ((), ("--days", "9", "--url", "http://h/"))
    )
    assert first.startswith("Created link 1.\n/pdf/ihub_pdf_")
    assert second.startswith("Created link 2.\nhttp://h/pdf/ihub_pdf_")
    assert run("einvoices", "revoke-link", einvoice_id, "1").output == "Link 1 opens nothing from now on.\n"
    listed = run("einvoices", "links", einvoice_id).output.splitlines()
    assert listed[0].startswith("2  valid  expires 2")
    assert listed[1:] == ["1  revoked  does not expire  never used  by command line", "2 links."]
    assert error_line(run("einvoices", "revoke-link", einvoice_id, "9")).startswith("Error: The link is unknown")
    assert anybody.get(first.splitlines()[1]).json == {"message": "Not Found."}
    assert anybody.get(second.splitlines()[1].removeprefix("http://h")).json["state"] == "pending"


def test_a_document_is_checked(run: Run, tmp_path: Path) -> None:
    doc = Document([Row(Decimal(3), Decimal("33.35"), Decimal(0), Decimal(18))])
    doc.payable = Decimal(1)
    file = tmp_path / "invoice.xml"
    file.write_bytes(ubl_tr(doc))
    answer = run("einvoices", "check", str(file))
    assert answer.exit_code == 1
    assert "sum  PayableAmount  totals.payable  is 1.00, should be 118.06\n" in answer.output
    assert "error  XSD-" in answer.output
    assert "ubl-tr ABC2026000000001: profile ubl-tr\n" in answer.output
    file.write_bytes(inv01(doc))
    assert error_line(run("einvoices", "check", str(file), "--profile", "en16931")).startswith("Error: The profile")
    file.write_bytes(b"hello")
    assert error_line(run("einvoices", "check", str(file))).startswith("Error: The document is no well-formed XML")


class TestWrite:
    def test_a_document_is_written_in_another_format(self, run: Run, tmp_path: Path) -> None:
        written = run("einvoices", "write", "docs/examples/ubl-invoice.xml", "--format", "cii")
        file = tmp_path / "invoice.xml"
        file.write_text(written.output)
        assert "<ram:GrandTotalAmount>357.00</ram:GrandTotalAmount>" in written.output
        assert run("einvoices", "check", str(file)).exit_code == 0

    def test_the_canonical_form_is_written(self, run: Run, tmp_path: Path) -> None:
        form, file = invoice(1, currency="EUR"), tmp_path / "form.json"
        file.write_bytes(canonical_bytes(form))
        written = run("einvoices", "write", str(file), "--format", "ubl-tr").output
        assert written.encode() == write_document(form, Format.UBL_TR).content

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ('{"is_credit_note": 1}', "Error: The JSON is not the canonical form of an invoice."),
            (
                '{"is_credit_note": false, "format": "hub", "totals": {"payable": "NaN"}}',
                "Error: The JSON is not the canonical form of an invoice.",
            ),
            ("<Other/>", "Error: The XML document is no invoice or credit note in UBL, UBL-TR or CII."),
        ],
    )
    def test_what_is_no_invoice_is_refused(self, run: Run, tmp_path: Path, content: str, message: str) -> None:
        file = tmp_path / "file"
        file.write_text(content)
        assert error_line(run("einvoices", "write", str(file), "--format", "ubl")) == message

    def test_what_the_format_cannot_say_is_named_by_field(self, run: Run) -> None:
        refusal = run("einvoices", "write", "docs/examples/ubl-invoice.xml", "--format", "inv-01")
        assert refusal.exit_code == 1
        assert "seller.tax_ids: Name the GSTIN of the seller." in refusal.output


@pytest.mark.usefixtures("further_einvoices")
def test_each_step_of_several_einvoices_has_its_own_result(run: Run) -> None:
    result = run("einvoices", "issue", "2", "1", "3")
    assert result.exit_code == 1
    issued = re.findall(r"^(\d)  EA-\d{4}-(\d+)  issued", result.output, re.MULTILINE)
    assert issued == [("2", "000003"), ("3", "000004")]
    assert re.search(r"^1  Error: .+", result.output, re.MULTILINE)
    assert run("einvoices", "cancel", "2", "--reason", " ").exit_code == 2
    assert run("einvoices", "cancel", "2", "--reason", "Ordered twice").exit_code == 0
    corrected = run("einvoices", "correct", "4", "--reason", "Wrong tax number")
    assert corrected.output == "4  draft 5  draft\n"
    report = run("einvoices", "series", stored_rows(User)[0].email)
    assert re.fullmatch(r"EA-\d{4}  1-4  1 cancelled  missing: none\n", report.output)
    assert report.exit_code == 0


@pytest.mark.usefixtures("further_einvoices")
def test_a_missing_number_ends_the_report_of_the_series_with_an_error(run: Run) -> None:
    assert run("einvoices", "issue", "2", "3").exit_code == 0
    with unit_of_work():
        db.session.execute(update(EinvoiceSeries).values(last_number=6))
    report = run("einvoices", "series", stored_rows(User)[0].email)
    assert (report.exit_code, report.output.rpartition("missing: ")[2]) == (1, "5-6\n")
