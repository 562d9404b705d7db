"""Unusual packages that nobody changed: the verifier accuses nobody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from unittest import mock

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text, update

from app.einvoices.exports import document_rows
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.provider_accounts import directory
from app.evidence import roots
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.exports.packages import BASE, Files, check, export, set_clock, unpack
from tests.einvoices.exports.test_package import rows
from tests.einvoices.helpers import create_issued, perform

LATER = BASE + timedelta(days=40)
LATER_PERIOD = f"{LATER:%Y-%m}"


def reject(einvoice_id: int) -> None:
    with unit_of_work():
        db.session.execute(update(Einvoice).where(Einvoice.id == einvoice_id).values(status="rejected"))


def test_a_month_from_before_the_chain(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, BASE)
    create_issued(owner)
    with unit_of_work():
        db.session.execute(text("TRUNCATE evidence_entries, evidence_chains CASCADE"))
    unproven = "1 documents were issued before the chain began: nothing proves them."
    without_chain = check(unpack(export(owner)))
    assert (without_chain.findings, unproven in without_chain.notes) == ([], True)
    set_clock(monkeypatch, LATER)
    create_issued(owner)
    set_clock(monkeypatch, LATER + timedelta(days=1))
    roots.seal_due()
    files = unpack(export(owner))
    before = check(files)
    assert (before.findings, unproven in before.notes) == ([], True)
    forged = files["documents.csv"].replace(f"{BASE:%Y-%m-%d}".encode(), f"{BASE:%Y-%m}-11".encode())
    assert "documents.csv was changed since the export." in check({**files, "documents.csv": forged}).findings
    assert check(unpack(export(owner, LATER_PERIOD))).findings == []


def test_test_documents_have_no_vat(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, BASE)
    with unit_of_work():
        facts = {"name": "Tries", "adapter": "null", "mode": "test"}
        made = directory.create(facts, owner.user_id, actor="test", may_allow=False).account
        made.test_passed, made.tested_at = True, clock.now()
        account = made.id
    create_issued(owner, provider_account_id=account)
    create_issued(owner)
    files = unpack(export(owner))
    assert [row["is_test"] for row in rows(files["documents.csv"])] == ["yes", ""]
    assert check(files).findings == []


def test_a_document_that_was_corrected_in_another_month(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, BASE)
    rejected, other = create_issued(owner), create_issued(owner)
    set_clock(monkeypatch, LATER)
    for einvoice in (rejected, other):
        reject(einvoice["id"])
    perform(owner, rejected["id"], "corrections", {})
    draft = perform(owner, other["id"], "corrections", {})
    perform(owner, draft["id"], "cancel", {"reason": "no"})
    set_clock(monkeypatch, LATER + timedelta(days=1))
    roots.seal_due()
    files = unpack(export(owner))
    assert [row["corrected"] for row in rows(files["documents.csv"])] == ["yes", ""]
    assert files["chain/further.jsonl"].count(b"\n") == 3
    assert check(files).findings == []


@pytest.fixture
def exported_at_midnight(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    """A package during which a day gets its root: a later cancellation is in the package, and its root is not."""
    set_clock(monkeypatch, BASE)
    einvoice = create_issued(owner)
    set_clock(monkeypatch, BASE + timedelta(days=1))
    roots.seal_due()
    set_clock(monkeypatch, LATER)
    perform(owner, einvoice["id"], "cancel", {"reason": "late"})
    set_clock(monkeypatch, LATER + timedelta(days=1))
    read = document_rows._read

    def seal_first(*arguments: object) -> document_rows.Batch:
        roots.seal_due()
        return read(*arguments)  # type: ignore[arg-type]

    with mock.patch.object(document_rows, "_read", seal_first):
        yield unpack(export(owner))


def test_a_day_that_is_sealed_during_the_export(exported_at_midnight: Files) -> None:
    checked = check(exported_at_midnight)
    assert checked.findings == []
    assert any("is under no root yet: nothing proves it so far" in note for note in checked.notes)
