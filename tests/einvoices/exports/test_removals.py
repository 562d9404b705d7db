"""Packages after personal data was removed, and after a restore: the chain stays verifiable."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.einvoices.evidence import removals
from app.einvoices.models.work import EinvoiceSending
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.evidence.chains import chain_of, rows_of
from tests.einvoices.exports.packages import check, export, make_month, unpack
from tests.einvoices.helpers import URL, create_issued, perform
from tests.operations.cli.cli_helpers import stored_rows


def remove_all() -> list[bool]:
    with unit_of_work():
        ids = removals.find_expired(clock.now())
    results = []
    for einvoice_id in ids:
        with unit_of_work():
            results.append(removals.remove_personal_data(einvoice_id, "retention", "test"))
    return results


@pytest.mark.slow
def test_the_verifier_tells_removed_data_from_missing(
    owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, app: object
) -> None:
    numbers = make_month(owner, monkeypatch)
    before = check(unpack(export(owner)))
    known = {day: root["root"] for day, root in before.roots.items()}
    assert remove_all() == [True] * len(numbers)
    files = unpack(export(owner))
    assert [name for name in files if name.startswith("pdf/")] == []
    assert b"wrong buyer" not in b"".join(files.values())
    checked = check(files, known)
    assert checked.findings == []
    pdfs = [note for note in checked.notes if ".pdf was removed by retention on" in note]
    assert len(pdfs) == len(numbers)
    assert [note for note in checked.notes if note.startswith("The content of record 2 was removed by retention")]
    hidden = check({**files, "chain/records.jsonl": files["chain/records.jsonl"].replace(b"retention", b"retentioN")})
    assert hidden.findings


def test_removed_data_is_gone_from_the_database(owner: FlaskClient, tmp_path: Path) -> None:
    buyer = {"name": "Ayşe Yılmaz", "email": "ayse@example.com", "address": "Cadde 1"}
    einvoice = create_issued(owner, buyer=buyer, notes="For Ayşe")
    perform(owner, einvoice["id"], "cancel", {"reason": "Ayşe does not want it"})
    assert remove_all() == [True]
    assert remove_all() == []
    shown = owner.get(f"{URL}/{einvoice['id']}?include_events=1")
    assert "Ayşe" not in shown.text
    assert shown.json["totals"] == einvoice["totals"]
    assert [row.salt for row in rows_of(owner.user_id)] == [None] * len(chain_of(owner.user_id))
    assert [row.action for row in stored_rows(AuditEntry)][-1] == "einvoice.personal_data_removed"


def test_data_that_a_provider_waits_for_is_kept(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    perform(owner, einvoice["id"], "send")
    assert remove_all() == [False]
    assert owner.get(f"{URL}/{einvoice['id']}").json["buyer"]["name"] == einvoice["buyer"]["name"]
    with unit_of_work():
        db.session.query(EinvoiceSending).update({"state": "done"})
    assert remove_all() == [True]
