"""The chain of an owner: what is recorded, in which order, and that parallel issues keep one chain."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.einvoices.evidence.chain_records import document_content
from app.einvoices.pdf import print_job
from app.einvoices.providers import outbox
from app.einvoices.queries.lookup import find
from app.evidence import chain
from app.evidence.record_bytes import commitment
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.evidence.chains import chain_of, kinds_of, rows_of
from tests.einvoices.helpers import SAMPLE, URL, create_draft, create_issued, fetch_pdf, perform
from tests.factories import a_draft


def test_a_chain_begins_with_its_first_issue(owner: FlaskClient) -> None:
    create_draft(owner)
    assert chain_of(owner.user_id) == []
    einvoice = create_issued(owner)
    begun, issued = chain_of(owner.user_id)
    assert (begun["kind"], begun["facts"]["series"][0]["last_number"]) == ("begun", 1)
    facts = issued["facts"]
    assert (issued["kind"], issued["einvoice"], facts["invoice_no"]) == ("issued", einvoice["id"], "EA-2026-000001")
    assert (facts["currency"], facts["type"], facts["issued_at"]) == ("TRY", "sale", einvoice["issued_at"])


def test_personal_data_is_in_no_record(owner: FlaskClient) -> None:
    buyer = {"name": "Ayşe Yılmaz", "email": "ayse@example.com", "tax_id": "12345678901", "address": "Cadde 1"}
    einvoice = create_issued(owner, buyer=buyer)
    perform(owner, einvoice["id"], "cancel", {"reason": "Ayşe does not want it"})
    print_job.print_due()
    stored = " ".join(row.body for row in rows_of(owner.user_id))
    assert [value for value in ("Ayşe", "ayse@", "12345678901") if value in stored] == []
    issued, cancelled = rows_of(owner.user_id)[1:3]
    with unit_of_work():
        content = document_content(find(einvoice["id"], None))
    assert "Ayşe Yılmaz" in content.decode()
    assert commitment(issued.salt, content) in issued.body
    assert commitment(cancelled.salt, '{"reason":"Ayşe does not want it"}'.encode()) in cancelled.body


def test_every_step_of_an_issued_einvoice_is_recorded(owner: FlaskClient) -> None:
    einvoice = create_issued(owner, provider="null")
    print_job.print_due()
    perform(owner, einvoice["id"], "send")
    outbox.send_due()
    perform(owner, einvoice["id"], "provider-status", SAMPLE)
    credit = perform(owner, einvoice["id"], "returns", {"reason": "broken"})
    perform(owner, credit["id"], "issue")
    assert kinds_of(owner.user_id) == [
        *("begun", "issued", "artefact", "queued", "sent", "status_changed", "provider_status_updated"),
        *("return_drafted", "status_changed", "issued"),
    ]


def test_an_artefact_is_recorded_with_the_hash_of_its_bytes(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    print_job.print_due()
    content = fetch_pdf(owner, einvoice["id"]).data
    artefact = chain_of(owner.user_id)[-1]
    digest = hashlib.sha256(content).hexdigest()
    assert artefact["facts"] == {"format": "pdf", "sha256": digest, "size": len(content)}


def test_a_refused_step_leaves_no_record(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    assert owner.post(f"{URL}/{einvoice['id']}/issue").status_code == 409
    assert kinds_of(owner.user_id) == ["begun", "issued"]


@pytest.mark.slow
def test_a_hundred_parallel_issues_keep_one_chain(owner: FlaskClient) -> None:
    ids = [create_draft(owner)["id"] for _ in range(100)]
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda i: owner.post(f"{URL}/{i}/issue"), ids))
    assert {answer.status_code for answer in answers} == {200}
    records = chain_of(owner.user_id)
    assert [record["kind"] for record in records] == ["begun", *["issued"] * 100]
    numbers = [record["facts"]["invoice_no"] for record in records[1:]]
    assert numbers == sorted(answer.json["invoice_no"] for answer in answers)


ODD_TEXTS = ("Ayşe", 'a "quoted" \\ text', "100 % of %(now)s", "line\nbreak\t\x01", "😀", "'; --", "")


@pytest.mark.parametrize("text", ODD_TEXTS)
def test_any_text_has_canonical_bytes_alone_and_among_others(owner: FlaskClient, text: str) -> None:
    create_issued(owner)
    facts = {"b": text, "a": [text, None, True, 2**60], "😀": {}}
    for count in (1, 2):
        with unit_of_work():
            for _ in range(count):
                chain.append(chain.Record(owner.user_id, "tested", None, facts, text.encode(), 7))
    *_, alone, first, second = chain_of(owner.user_id)
    assert alone["facts"] == first["facts"] == second["facts"] == {**facts, "a": [text, None, True, str(2**60)]}
    assert all("einvoice" not in record for record in (alone, first, second))
    for row in rows_of(owner.user_id)[-3:]:
        assert commitment(row.salt, text.encode()) in row.body
        assert (row.kind, row.source_id) == ("tested", 7)


def test_owners_have_chains_of_their_own(owner_as: Callable[..., FlaskClient]) -> None:
    first, second = owner_as(), owner_as()
    for client in (first, second, first):
        create_issued(client)
    assert kinds_of(first.user_id) == ["begun", "issued", "issued"]
    assert kinds_of(second.user_id) == ["begun", "issued"]


def test_einvoices_of_an_earlier_release_have_no_invented_history(owner: FlaskClient) -> None:
    old = [create_issued(owner) for _ in range(2)]
    with db.engine.begin() as connection:  # as the release before left it
        connection.exec_driver_sql("DELETE FROM evidence_entries")
        connection.exec_driver_sql("DELETE FROM evidence_chains")
    perform(owner, old[0]["id"], "cancel", {"reason": "test"})
    begun, cancelled = chain_of(owner.user_id)
    assert (begun["facts"]["series"][0]["last_number"], cancelled["kind"]) == (2, "cancelled")


def test_records_are_in_order_when_the_clock_is_set_back(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    create_issued(owner)
    earlier = clock.now() - timedelta(hours=1)
    monkeypatch.setattr(clock, "now", lambda: earlier)
    with unit_of_work():
        chain.append(chain.Record(owner.user_id, "test"))
    records = chain_of(owner.user_id)  # it checks the order
    assert records[-1]["at"] == records[-2]["at"]


def test_numbers_of_any_size_are_recorded(owner: FlaskClient) -> None:
    item = {"name": "x", "quantity": "999999999.9999", "unit_price": "0.0000000001", "vat_rate": 20}
    einvoice = create_issued(owner, **{**a_draft(), "items": [item]})
    [_, issued] = rows_of(owner.user_id)
    with unit_of_work():
        content = document_content(find(einvoice["id"], None))
    assert '"unit_price":"0.0000000001"' in content.decode()
    assert commitment(issued.salt, content) in issued.body
