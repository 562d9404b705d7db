"""PDFs: made from the row, stored whole, told by their content, and closed to the outside."""

from __future__ import annotations

import hashlib
import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select

from app import pdf
from app.einvoices import sellers
from app.einvoices.models.work import EinvoicePdf
from app.einvoices.pdf import print_job
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.pdf import print_queue as press
from tests.einvoices.conftest import URL, issued, made, verb
from tests.einvoices.test_totals import pdf_text


@pytest.fixture(autouse=True)
def _own_storage(app: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Ids begin anew with each test, and so do the files."""
    monkeypatch.setitem(app.config, "STORAGE_DIR", tmp_path)


def row(einvoice_id: int) -> Any:
    with db.engine.connect() as connection:
        return connection.execute(select(EinvoicePdf.__table__).where(EinvoicePdf.einvoice_id == einvoice_id)).one()


def fetch(client: FlaskClient, einvoice_id: int, **headers: str) -> Any:
    return client.get(f"{URL}/{einvoice_id}/pdf", headers=headers, buffered=True)


def test_no_pdf_is_a_404_until_there_is_one(owner: FlaskClient) -> None:
    draft = made(owner)
    assert (fetch(owner, draft["id"]).status_code, fetch(owner, draft["id"]).json) == (404, {"message": "Not Found."})
    einvoice = verb(owner, draft["id"], "issue")
    assert fetch(owner, draft["id"]).status_code == 404
    before = owner.get(f"{URL}/{draft['id']}").json
    assert not print_job.print_due()
    answer = fetch(owner, draft["id"])
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == f"attachment; filename={einvoice['invoice_no']}.pdf"
    assert einvoice["invoice_no"] in pdf_text(answer.data)
    after = owner.get(f"{URL}/{draft['id']}").json
    assert (before["pdf_url"], after["pdf_url"]) == (None, f"{URL}/{draft['id']}/pdf")
    assert after["updated_at"] > before["updated_at"]


def test_etag_and_ranges(owner: FlaskClient) -> None:
    einvoice = issued(owner)
    print_job.print_due()
    whole = fetch(owner, einvoice["id"])
    digest = hashlib.sha256(whole.data).hexdigest()
    assert row(einvoice["id"]).sha256 == digest
    assert whole.headers["ETag"] == f'"{digest}"'
    assert fetch(owner, einvoice["id"], **{"If-None-Match": f'"{digest}"'}).status_code == 304
    part = fetch(owner, einvoice["id"], Range="bytes=0-7")
    assert (part.status_code, part.data) == (206, whole.data[:8])


def test_made_again_it_is_the_same_bytes(app: Hub, owner: FlaskClient) -> None:
    einvoice = issued(owner)
    print_job.print_due()
    first = fetch(owner, einvoice["id"]).data
    again = owner.post(f"{URL}/{einvoice['id']}/pdf")
    assert (again.status_code, again.json["pdf_state"]) == (202, "pending")
    assert fetch(owner, einvoice["id"]).data == first
    print_job.print_due()
    assert fetch(owner, einvoice["id"]).data == first
    assert files(app, einvoice["id"]) == [row(einvoice["id"]).path]


def files(app: Hub, einvoice_id: int) -> list[str]:
    folder: Path = app.config["STORAGE_DIR"]
    return sorted(str(path.relative_to(folder)) for path in folder.rglob(f"{einvoice_id}-*.pdf"))


def test_cancelling_prints_it_across_and_clears_the_old_file(app: Hub, owner: FlaskClient) -> None:
    einvoice = issued(owner)
    print_job.print_due()
    assert "İPTAL" not in pdf_text(fetch(owner, einvoice["id"]).data)
    verb(owner, einvoice["id"], "cancel", {"reason": "x"})
    print_job.print_due()
    assert "İPTAL" in pdf_text(fetch(owner, einvoice["id"]).data)
    assert files(app, einvoice["id"]) == [row(einvoice["id"]).path]


def test_a_failing_render_is_visible_and_tried_again(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    einvoice = issued(owner)
    with monkeypatch.context() as broken:
        broken.setattr(pdf, "render", lambda *_: 1 / 0)
        print_job.print_due()
    shown = owner.get(f"{URL}/{einvoice['id']}").json
    assert (shown["pdf_state"], shown["pdf_error"]) == ("pending", "ZeroDivisionError: division by zero")
    later = clock.now() + work_queue.DELAYS[0] + timedelta(seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    print_job.print_due()
    shown = owner.get(f"{URL}/{einvoice['id']}").json
    assert (shown["pdf_state"], shown["pdf_error"]) == ("done", None)


def test_a_document_that_kills_its_worker_ends_as_failed(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    einvoice, moment = issued(owner), clock.now()
    with monkeypatch.context() as deadly:
        deadly.setattr(pdf, "render", lambda *_: (_ for _ in ()).throw(SystemExit))
        for _ in range(len(work_queue.DELAYS) + 1):
            moment += press.LEASE + timedelta(seconds=1)
            deadly.setattr(clock, "now", lambda moment=moment: moment)
            with pytest.raises(SystemExit):
                print_job.print_due()
        moment += press.LEASE + timedelta(seconds=1)
        deadly.setattr(clock, "now", lambda: moment)
        print_job.print_due()
    failed = row(einvoice["id"])
    assert (failed.state, failed.attempts) == ("failed", 5)
    assert "did not come back" in failed.error
    verb(owner, einvoice["id"], "pdf")
    print_job.print_due()
    assert row(einvoice["id"]).state == "done"


def test_who_lost_the_claim_writes_nothing(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    einvoice = issued(owner)
    real = pdf.render

    def asked_again_meanwhile(*args: Any) -> bytes:
        verb(owner, einvoice["id"], "cancel", {"reason": "meanwhile"})
        monkeypatch.setattr(pdf, "render", real)
        return real(*args)

    monkeypatch.setattr(pdf, "render", asked_again_meanwhile)
    print_job.print_due()
    assert "İPTAL" in pdf_text(fetch(owner, einvoice["id"]).data)


def test_missing_finds_what_is_gone_from_the_disk(app: Hub, owner: FlaskClient) -> None:
    kept, lost = issued(owner), issued(owner)
    print_job.print_due()
    (app.config["STORAGE_DIR"] / row(lost["id"]).path).unlink()
    assert fetch(owner, lost["id"]).status_code == 404
    assert print_job.find_missing_pdfs() == [lost["id"]]
    answer = app.test_cli_runner().invoke(args=["einvoices", "pdf", "--missing"])
    assert answer.exit_code == 0, answer.output
    assert "Made 1 of 1" in answer.output
    assert fetch(owner, lost["id"]).status_code == 200
    assert kept["id"] not in print_job.find_missing_pdfs()


HOSTILE = '</p><link rel=attachment href="file:///etc/passwd"><img src="http://127.0.0.1:1/"><style>@import "file:///x"</style>'


@pytest.mark.parametrize("language", ["tr", "en"])
def test_nothing_in_the_data_opens_anything(owner: FlaskClient, language: str) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, language=language, name=HOSTILE, footer=HOSTILE, address=HOSTILE)
    items = [{"name": HOSTILE, "sku": "<b>", "quantity": 1, "unit_price": 1}]
    buyer = {"name": HOSTILE, "address": HOSTILE, "tax_id": "<i>"}
    einvoice = issued(owner, buyer=buyer, items=items, notes=HOSTILE, marketplace="<script>")
    print_job.print_due()
    content = fetch(owner, einvoice["id"]).data
    reader = PdfReader(io.BytesIO(content))
    assert not reader.attachments
    assert "<script>" in pdf_text(content)
    assert b"root:" not in content


def test_a_note_names_its_kind_its_original_and_why(owner: FlaskClient) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, language="en")
    sale = issued(owner)
    note = verb(
        owner,
        sale["id"],
        "credit-notes",
        {"reason": "One was torn", "items": [{"item_id": sale["items"][0]["id"], "quantity": 1}]},
    )
    verb(owner, note["id"], "issue")
    back = verb(owner, sale["id"], "returns", {"reason": "The other too"})
    verb(owner, back["id"], "issue")
    print_job.print_due()
    text = pdf_text(fetch(owner, note["id"]).data)
    assert "CREDIT NOTE" in text
    assert sale["invoice_no"] in text
    assert "One was torn" in text
    assert "RETURN INVOICE" in pdf_text(fetch(owner, back["id"]).data)


def test_many_pages_repeat_the_head_of_the_table_and_count(owner: FlaskClient) -> None:
    items = [{"name": f"Item {n}", "quantity": 1, "unit_price": 1} for n in range(70)]
    einvoice = issued(owner, items=items)
    print_job.print_due()
    pages = PdfReader(io.BytesIO(fetch(owner, einvoice["id"]).data)).pages
    texts = [" ".join(page.extract_text().split()) for page in pages]
    assert len(texts) >= 3
    assert all("Mal / hizmet" in text for text in texts[:2])
    assert f"Sayfa 2 / {len(texts)}" in texts[1]


def a_png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(file, "PNG")
    return file.getvalue()


def test_the_logo_is_printed_and_stays_with_what_was_issued(owner: FlaskClient) -> None:
    with unit_of_work():
        sellers.save_logo(owner.user_id, a_png())
    einvoice = issued(owner)
    with unit_of_work():
        sellers.save_logo(owner.user_id, None)
    print_job.print_due()
    reader = PdfReader(io.BytesIO(fetch(owner, einvoice["id"]).data))
    logo, _code = (image.image.size for image in reader.pages[0].images)
    assert logo == (40, 20)


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"\x89PNG\r\n\x1a\n" + b"x" * 300_000]
)
def test_other_files_are_no_logo(owner: FlaskClient, content: bytes) -> None:
    with pytest.raises(Invalid), unit_of_work():
        sellers.save_logo(owner.user_id, content)


@pytest.mark.parametrize(
    "facts",
    [
        {"language": "de"}, {"currency": "AAA"}, {"timezone": "Mars/Base"}, {"timezone": "../etc/passwd"},
        {"prefix": "ea"}, {"prefix": "EA/../"}, {"name": " "}, {"name": "x" * 301}, {"provider": "fax"},
        {"color": "red"},
    ],
)  # fmt: skip
def test_faulty_settings_are_refused(owner: FlaskClient, facts: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused, unit_of_work():
        sellers.save(owner.user_id, **facts)
    assert set(refused.value.errors or {}) == set(facts)
