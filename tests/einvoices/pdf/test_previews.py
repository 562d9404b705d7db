"""Previews of drafts: rendered on demand, marked, out of date after a change, thrown away, never a document."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from app import pdf
from app.einvoices import sellers
from app.einvoices.models.work import EinvoicePdf, EinvoicePreview
from app.einvoices.pdf import previews, print_job
from app.evidence.models import EvidenceEntry
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import unit_of_work
from app.operations.storage.stored_files import kept_files
from app.pdf import files, on_demand
from tests.einvoices.helpers import URL, create_draft, create_issued, events_of, pdf_text, perform
from tests.einvoices.pdf.test_print_order import create_long, printed
from tests.factories import a_draft
from tests.object_stores import stored_paths


def fetch(client: FlaskClient, einvoice_id: int, **headers: str) -> Any:
    return client.get(f"{URL}/{einvoice_id}/preview", headers=headers, buffered=True)


def fetch_printed(client: FlaskClient, einvoice_id: int) -> bytes:
    """The preview after a worker ran."""
    fetch(client, einvoice_id)
    previews.print_due()
    answer = fetch(client, einvoice_id)
    assert answer.status_code == 200, answer.json
    content: bytes = answer.data
    return content


@pytest.mark.usefixtures("each_storage")
def test_a_preview_is_404_until_it_is_rendered(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    pending = fetch(owner, draft["id"])
    assert (pending.status_code, pending.json) == (404, {"message": "Not Found.", "state": "pending"})
    assert int(pending.headers["Retry-After"]) >= 1
    assert not previews.print_due()
    answer = fetch(owner, draft["id"])
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=draft-{draft['id']}.pdf"
    assert fetch(owner, draft["id"], Range="bytes=0-3").data == b"%PDF"


@pytest.mark.parametrize(("language", "note"), [("tr", "Taslaktır."), ("en", "Draft. It has no number")])
def test_every_page_says_in_both_languages_that_it_is_a_draft(owner: FlaskClient, language: str, note: str) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", language=language)
    items = [{"name": f"Item {n}", "quantity": 1, "unit_price": 1} for n in range(70)]
    reader = PdfReader(io.BytesIO(fetch_printed(owner, create_draft(owner, items=items)["id"])))
    texts = [page.extract_text() for page in reader.pages]
    assert len(texts) >= 3
    # The mark over the page, and the footer.
    assert all(text.count("TASLAK") >= 2 and text.count("DRAFT") >= 2 for text in texts)
    assert note in texts[0]
    assert not reader.pages[-1].images  # a code would look like that of an invoice


def test_a_change_of_draft_or_seller_makes_the_preview_anew(app: Hub, owner: FlaskClient) -> None:
    draft = create_draft(owner)
    first = fetch_printed(owner, draft["id"])
    assert fetch(owner, draft["id"]).data == first
    assert owner.patch(f"{URL}/{draft['id']}", json={"notes": "Gift wrapped"}).status_code == 200
    assert fetch(owner, draft["id"]).json["state"] == "pending"
    assert "Gift wrapped" in pdf_text(fetch_printed(owner, draft["id"]))
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", name="Another Name Ltd")
    assert fetch(owner, draft["id"]).status_code == 404
    assert "Another Name Ltd" in pdf_text(fetch_printed(owner, draft["id"]))
    assert len(stored_paths()) == 1


def test_a_preview_is_no_document_of_the_einvoice(app: Hub, owner: FlaskClient) -> None:
    draft = create_draft(owner)
    before = events_of(draft["id"])
    fetch_printed(owner, draft["id"])
    shown = owner.get(f"{URL}/{draft['id']}").json
    assert (shown["pdf_url"], shown["pdf_state"], shown["status"]) == (None, None, "draft")
    assert owner.get(f"{URL}/{draft['id']}/pdf").status_code == 404
    assert owner.post(f"{URL}/{draft['id']}/links", json={}).status_code == 409
    assert events_of(draft["id"]) == before
    with db.engine.connect() as connection:
        assert connection.execute(select(EinvoicePdf.__table__)).all() == []
        assert connection.execute(select(EvidenceEntry.__table__)).all() == []
    assert len(stored_paths()) == 1
    assert list(kept_files(file_store())) == []  # nothing for a backup
    perform(owner, draft["id"], "issue")
    refused = fetch(owner, draft["id"])
    assert (refused.status_code, refused.json["error"]) == (409, "WRONG_STATE")
    assert "cannot be previewed" in refused.json["message"]


def test_a_draft_that_was_issued_meanwhile_is_not_rendered(app: Hub, owner: FlaskClient) -> None:
    draft = create_draft(owner)
    fetch(owner, draft["id"])
    perform(owner, draft["id"], "issue")
    previews.print_due()
    assert stored_paths() == []


@pytest.mark.usefixtures("each_storage")
def test_previews_are_thrown_away(app: Hub, owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = create_draft(owner)
    fetch_printed(owner, draft["id"])
    [path] = stored_paths()
    orphan = f"{path.rpartition('/')[0]}/of-a-killed-worker.pdf"
    files.write(orphan, b"x")
    later = clock.now() + on_demand.LIFETIME + timedelta(seconds=1)
    with monkeypatch.context() as moved:
        moved.setattr(clock, "now", lambda: later)
        assert fetch(owner, draft["id"]).status_code == 404  # a worker that is late does not keep it
    with db.engine.begin() as connection:
        connection.execute(EinvoicePreview.__table__.update().values(state="done", requested_at=clock.now()))
    assert stored_paths() == [path, orphan]
    monkeypatch.setattr(clock, "now", lambda: later)
    previews.print_due()
    assert stored_paths() == [orphan]
    monkeypatch.setattr(on_demand, "_ORPHAN_AGE", timedelta(seconds=-60))  # no store lets a test choose the time
    previews.print_due()
    assert stored_paths() == []
    with db.engine.connect() as connection:
        assert connection.execute(select(EinvoicePreview.__table__)).all() == []


def test_a_preview_that_cannot_be_made_says_why(owner: FlaskClient) -> None:
    draft = create_draft(owner, notes="a\ue000")
    fetch(owner, draft["id"])
    previews.print_due()
    answer = fetch(owner, draft["id"])
    assert (answer.status_code, answer.json["state"]) == (404, "failed")
    assert "U+E000" in answer.json["reason"]
    assert "Retry-After" not in answer.headers
    owner.patch(f"{URL}/{draft['id']}", json={"notes": "a"})
    assert fetch_printed(owner, draft["id"])


def test_a_change_during_the_rendering_is_not_lost(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = create_draft(owner)
    fetch(owner, draft["id"])
    render = pdf.render

    def change_and_render(*arguments: Any) -> bytes:
        owner.patch(f"{URL}/{draft['id']}", json={"notes": "Changed meanwhile"})
        fetch(owner, draft["id"])
        monkeypatch.setattr(pdf, "render", render)
        return render(*arguments)

    monkeypatch.setattr(pdf, "render", change_and_render)
    previews.print_due()
    assert "Changed meanwhile" in pdf_text(fetch(owner, draft["id"]).data)


def test_the_draft_of_another_user_has_no_preview(owner_as: Callable[..., FlaskClient]) -> None:
    draft = create_draft(owner_as())
    assert fetch(owner_as(), draft["id"]).json == {"message": "Not Found."}
    assert fetch(owner_as("admin"), draft["id"]).json["state"] == "pending"


def test_previews_and_issued_documents_do_not_wait_for_each_other(owner: FlaskClient) -> None:
    """The printer prints no preview between the parts of a long document, and the other way round."""
    fetch(owner, create_draft(owner)["id"])
    create_long(owner)
    print_job.print_due()
    with db.engine.connect() as connection:
        assert connection.scalar(select(EinvoicePreview.state)) == "pending"
    issued = create_issued(owner)["id"]
    [item, *_] = a_draft()["items"]
    fetch(owner, create_draft(owner, items=[{**item, "name": "long name " * 45} for _ in range(70)])["id"])
    previews.print_due()
    assert issued not in printed()
    with db.engine.connect() as connection:
        assert set(connection.scalars(select(EinvoicePreview.state))) == {"done"}


def test_users_take_turns_and_short_previews_go_first(owner_as: Callable[..., FlaskClient]) -> None:
    first, second = owner_as(), owner_as()
    [item, *_] = a_draft()["items"]
    long = [create_draft(first, items=[{**item, "name": "long name " * 45} for _ in range(70)])["id"] for _ in "ab"]
    short = create_draft(second)["id"]
    for client, einvoice_id in ((first, long[0]), (first, long[1]), (second, short)):
        fetch(client, einvoice_id)
    while previews.print_due():
        pass
    with db.engine.connect() as connection:
        query = select(EinvoicePreview.einvoice_id).order_by(EinvoicePreview.finished_at)
        assert list(connection.scalars(query)) == [short, *long]
