"""Print job of e-invoices: download, new PDFs, failures, lost claims and missing files."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app import pdf
from app.einvoices.models.work import EinvoicePdf
from app.einvoices.pdf import print_job
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.storage.stores import file_store
from app.kernel.worker import work_queue
from app.pdf import print_queue
from tests.einvoices.helpers import URL, create_draft, create_issued, events_of, fetch_pdf, pdf_text, perform
from tests.object_stores import stored_paths

pytestmark = pytest.mark.usefixtures("each_storage")


def row(einvoice_id: int) -> Any:
    with db.engine.connect() as connection:
        return connection.execute(select(EinvoicePdf.__table__).where(EinvoicePdf.einvoice_id == einvoice_id)).one()


def test_the_pdf_is_404_until_it_is_rendered(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    assert (fetch_pdf(owner, draft["id"]).status_code, fetch_pdf(owner, draft["id"]).json) == (
        404,
        {"message": "Not Found."},
    )
    einvoice = perform(owner, draft["id"], "issue")
    pending = fetch_pdf(owner, draft["id"])
    assert (pending.status_code, pending.json) == (404, {"message": "Not Found.", "state": "pending"})
    assert int(pending.headers["Retry-After"]) >= 1
    before = owner.get(f"{URL}/{draft['id']}").json
    assert not print_job.print_due()
    answer = fetch_pdf(owner, draft["id"])
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={einvoice['invoice_no']}.pdf"
    assert einvoice["invoice_no"] in pdf_text(answer.data)
    after = owner.get(f"{URL}/{draft['id']}").json
    assert (before["pdf_url"], after["pdf_url"]) == (None, f"{URL}/{draft['id']}/pdf")
    assert after["updated_at"] > before["updated_at"]


def test_an_event_has_the_hash_and_the_size(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    print_job.print_due()
    content = fetch_pdf(owner, einvoice["id"]).data
    event = events_of(einvoice["id"])[-1]
    digest = hashlib.sha256(content).hexdigest()
    expected = {"url": f"{URL}/{einvoice['id']}/pdf", "sha256": digest, "size": len(content)}
    assert (event["type"], event["pdf"], event["owner"]) == ("einvoice.pdf_ready", expected, owner.user_id)
    assert event["einvoice"]["updated_at"] == owner.get(f"{URL}/{einvoice['id']}").json["updated_at"]
    assert owner.post(f"{URL}/{einvoice['id']}/pdf").status_code == 202
    print_job.print_due()  # the same content, and so no event
    perform(owner, einvoice["id"], "cancel", {"reason": "x"})
    print_job.print_due()
    hashes = [e["pdf"]["sha256"] for e in events_of(einvoice["id"]) if e["type"] == "einvoice.pdf_ready"]
    assert hashes == [digest, row(einvoice["id"]).sha256]
    assert hashes[0] != hashes[1]


def test_a_pdf_that_failed_says_so(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    with db.engine.begin() as connection:
        connection.execute(EinvoicePdf.__table__.update().values(state="failed", error="No font."))
    answer = fetch_pdf(owner, einvoice["id"])
    assert (answer.status_code, answer.json) == (404, {"message": "Not Found.", "state": "failed"})
    assert "Retry-After" not in answer.headers


def test_the_pdf_supports_etag_and_ranges(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    print_job.print_due()
    whole = fetch_pdf(owner, einvoice["id"])
    digest = hashlib.sha256(whole.data).hexdigest()
    assert row(einvoice["id"]).sha256 == digest
    assert whole.headers["ETag"] == f'"{digest}"'
    assert fetch_pdf(owner, einvoice["id"], **{"If-None-Match": f'"{digest}"'}).status_code == 304
    part = fetch_pdf(owner, einvoice["id"], Range="bytes=0-7")
    assert (part.status_code, part.data) == (206, whole.data[:8])
    behind = fetch_pdf(owner, einvoice["id"], Range=f"bytes={len(whole.data)}-")
    assert (behind.status_code, behind.headers["Content-Range"]) == (416, f"bytes */{len(whole.data)}")
    assert behind.json == {"message": "The range begins behind the end of the file."}
    for headers in ({"Range": "bytes=0-1,4-5"}, {"Range": "bytes=0-7", "If-Range": f'W/"{digest}"'}):
        answer = fetch_pdf(owner, einvoice["id"], **headers)
        assert (answer.status_code, answer.data) == (200, whole.data)


def test_a_new_pdf_of_the_same_data_has_the_same_bytes(app: Hub, owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    print_job.print_due()
    first = fetch_pdf(owner, einvoice["id"]).data
    again = owner.post(f"{URL}/{einvoice['id']}/pdf")
    assert (again.status_code, again.json["pdf_state"]) == (202, "pending")
    assert fetch_pdf(owner, einvoice["id"]).data == first
    print_job.print_due()
    assert fetch_pdf(owner, einvoice["id"]).data == first
    assert files(einvoice["id"]) == [row(einvoice["id"]).path]


def files(einvoice_id: int) -> list[str]:
    return [path for path in stored_paths() if f"/{einvoice_id}-" in path]


def test_the_pdf_of_a_cancelled_einvoice_is_stamped_and_the_old_file_deleted(app: Hub, owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    print_job.print_due()
    assert "İPTAL" not in pdf_text(fetch_pdf(owner, einvoice["id"]).data)
    perform(owner, einvoice["id"], "cancel", {"reason": "x"})
    print_job.print_due()
    assert "İPTAL" in pdf_text(fetch_pdf(owner, einvoice["id"]).data)
    assert files(einvoice["id"]) == [row(einvoice["id"]).path]


def test_a_failed_render_is_visible_and_retried(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    einvoice = create_issued(owner)
    with monkeypatch.context() as broken:
        broken.setattr(pdf, "render", lambda *_: 1 / 0)
        print_job.print_due()
    shown = owner.get(f"{URL}/{einvoice['id']}").json
    assert (shown["pdf_state"], shown["pdf_error"]) == ("pending", print_queue.UNEXPECTED_FAILURE)
    later = clock.now() + work_queue.DELAYS[0] + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    print_job.print_due()
    shown = owner.get(f"{URL}/{einvoice['id']}").json
    assert (shown["pdf_state"], shown["pdf_error"]) == ("done", None)


@pytest.mark.parametrize(("hours", "state"), [(1, "pending"), (3, "done")])
def test_a_due_time_of_a_clock_that_was_wrong_is_no_wait(owner: FlaskClient, hours: int, state: str) -> None:
    einvoice = create_issued(owner)
    with db.engine.begin() as connection:
        connection.execute(update(EinvoicePdf).values(due_at=clock.now() + timedelta(hours=hours)))
    print_job.print_due()
    assert row(einvoice["id"]).state == state


def test_a_document_that_kills_its_worker_ends_as_failed(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    einvoice, moment = create_issued(owner), clock.now()
    with monkeypatch.context() as deadly:
        deadly.setattr(pdf, "render", lambda *_: (_ for _ in ()).throw(SystemExit))
        for _ in range(len(work_queue.DELAYS) + 1):
            moment += print_queue.LEASE + timedelta(seconds=1)
            deadly.setattr(clock, "now", lambda moment=moment: moment)
            with pytest.raises(SystemExit):
                print_job.print_due()
        moment += print_queue.LEASE + timedelta(seconds=1)
        deadly.setattr(clock, "now", lambda: moment)
        print_job.print_due()
    failed = row(einvoice["id"])
    assert (failed.state, failed.attempts) == ("failed", 5)
    assert "did not come back" in failed.error
    perform(owner, einvoice["id"], "pdf")
    print_job.print_due()
    assert row(einvoice["id"]).state == "done"


def test_a_worker_that_lost_its_claim_writes_nothing(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    einvoice = create_issued(owner)
    real = pdf.render

    def asked_again_meanwhile(*args: Any) -> bytes:
        perform(owner, einvoice["id"], "cancel", {"reason": "meanwhile"})
        monkeypatch.setattr(pdf, "render", real)
        return real(*args)

    monkeypatch.setattr(pdf, "render", asked_again_meanwhile)
    print_job.print_due()
    assert "İPTAL" in pdf_text(fetch_pdf(owner, einvoice["id"]).data)


def test_missing_pdfs_are_found_and_rendered_by_the_command(app: Hub, owner: FlaskClient) -> None:
    kept, lost = create_issued(owner), create_issued(owner)
    print_job.print_due()
    file_store().remove(row(lost["id"]).path)
    assert fetch_pdf(owner, lost["id"]).status_code == 404
    assert print_job.find_missing_pdfs() == [lost["id"]]
    answer = app.test_cli_runner().invoke(args=["einvoices", "pdf", "--missing"])
    assert answer.exit_code == 0, answer.output
    assert "Rendered 1 of 1" in answer.output
    assert fetch_pdf(owner, lost["id"]).status_code == 200
    assert kept["id"] not in print_job.find_missing_pdfs()
