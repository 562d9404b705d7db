"""The newest daily root in the footer of a document: fixed at issue, the same at each rendering."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from app.einvoices.pdf import print_job
from app.evidence import roots
from app.kernel import clock
from app.kernel.http.app import Hub
from tests.einvoices.helpers import create_issued, fetch_pdf, pdf_text, perform


def printed(client: FlaskClient, einvoice_id: int) -> bytes:
    """The PDF of an e-invoice, rendered now."""
    assert print_job.print_now(einvoice_id)
    content: bytes = fetch_pdf(client, einvoice_id).data
    return content


def seal_after(days: int, patch: pytest.MonkeyPatch) -> str:
    """Let so many days pass; the newest root, by the hash of its statement."""
    moment = clock.now() + timedelta(days=days)
    with patch.context() as ahead:
        ahead.setattr(clock, "now", lambda: moment)
        roots.seal_due()
    newest = roots.last_root(1)
    assert newest is not None
    return f"{newest.day.isoformat()} {newest.hash}"


def test_a_document_shows_the_root_that_was_the_newest_at_its_issue(
    owner: FlaskClient, app: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = create_issued(owner, notes="before")
    old = printed(owner, before["id"])
    root = seal_after(1, monkeypatch)
    with monkeypatch.context() as patch:
        patch.setitem(app.config, "PRINT_ROOTS", True)
        assert printed(owner, before["id"]) == old  # byte for byte as it was
        after = create_issued(owner)
        new = printed(owner, after["id"])
    assert f"Kök {root}" in pdf_text(new)
    assert "Kök 20" not in pdf_text(old)
    assert seal_after(3, monkeypatch) != root
    assert printed(owner, after["id"]) == new  # also without the setting, and when there is a newer root


def test_the_first_documents_of_an_owner_show_no_root(
    owner: FlaskClient, app: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "PRINT_ROOTS", True)
    first = create_issued(owner)
    content = printed(owner, first["id"])
    assert "Kök 20" not in pdf_text(content)
    seal_after(1, monkeypatch)
    perform(owner, first["id"], "cancel", {"reason": "test"})
    assert "Kök 20" not in pdf_text(printed(owner, first["id"]))
