"""Legal documents that come with e-invoices: checked, shown, kept and downloaded."""

from __future__ import annotations

import base64
import hashlib
import json
import urllib.request
from typing import Any

import pytest

from app.einvoices.providers.contract import MAX_DOCUMENT_BYTES
from app.provider_simulator import legal_files
from app.provider_simulator.application import MAX_BODY_BYTES
from tests.provider_simulator.conftest import Peer, Reply

XML = b"<Invoice>\xc3\xa7</Invoice>"


def said(content: bytes = XML, **facts: Any) -> dict[str, Any]:
    known = {"format": "ubl-tr", "media_type": "application/xml", "file_name": "EA-1\r\nx.xml"}
    hashed = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    return {**known, **hashed, "content": base64.b64encode(content).decode(), **facts}


def send(peer: Peer, document: Any, key: str = "k1", number: str = "EA-1") -> Reply:
    body = {"key": key, "einvoice": {"invoice_no": number}, "document": document}
    headers = {"Content-Type": "application/json", "Idempotency-Key": key}
    return peer.request("/demo/einvoices", json.dumps(body).encode(), headers)


def download(peer: Peer, number: int = 1) -> Any:
    return urllib.request.urlopen(f"{peer.address}/documents/{number}/file", timeout=10)


def test_it_is_told_shown_and_downloaded(peer: Peer) -> None:
    code, answer = send(peer, said())
    sha256 = hashlib.sha256(XML).hexdigest()
    assert (code, answer["document"]) == (200, {"format": "ubl-tr", "sha256": sha256, "size": len(XML)})
    assert peer.look_up("k1")[1]["document"] == answer["document"]
    with urllib.request.urlopen(peer.address, timeout=10) as page:
        text = page.read().decode()
    assert f"{sha256[:12]}…" in text
    assert 'href="/documents/1/file"' in text
    with download(peer) as file:
        assert file.read() == XML
        assert file.headers["Content-Disposition"] == "attachment; filename=EA-1_x.xml"


def test_its_size_is_written_as_the_language_writes_numbers(peer: Peer) -> None:
    send(peer, said(b"x" * 1536))
    send(peer, said(b"x"), "k2", "EA-2")
    for language, sizes in (("en", (">1.5 KiB<", ">1 B<")), ("tr", (">1,5 KiB<", ">1 B<"))):
        page = urllib.request.Request(peer.address, headers={"Accept-Language": language})
        with urllib.request.urlopen(page, timeout=10) as answer:
            text = answer.read().decode()
        assert all(size in text for size in sizes)


@pytest.mark.parametrize(
    "document",
    [
        "text",
        {},
        said(sha256="0" * 64),
        said(size=1),
        said(size=None),
        {**said(), "content": "§"},
        {**said(), "content": None},
        said(format="sap"),
        said(file_name=7),
    ],
)
def test_a_wrong_document_is_refused_and_nothing_is_stored(peer: Peer, document: Any) -> None:
    code, answer = send(peer, document)
    assert (code, "document" in answer) == (422, True)
    assert peer.store.count() == 0


def test_a_repeat_with_other_bytes_is_counted(peer: Peer) -> None:
    first = send(peer, said())
    assert send(peer, said()) == first
    assert peer.simulator.counts["document_changed"] == 0
    for other in (said(b"<other/>"), None):
        assert send(peer, other) == first
    assert peer.simulator.counts["document_changed"] == 2


def test_the_content_of_old_documents_is_forgotten(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legal_files, "MOST_CONTENTS", 2)
    for number in range(4):
        send(peer, said(b"<n/>" * (number + 1)), f"k{number}", f"EA-{number}")
    kept = [peer.store.file_of(document.id) for document in peer.store.documents()]
    assert [file is not None and file.content is not None for file in kept] == [True, True, False, False]
    assert {file.format for file in kept if file} == {"ubl-tr"}


def test_the_largest_document_of_the_hub_is_taken(peer: Peer) -> None:
    assert MAX_DOCUMENT_BYTES * 4 / 3 + 2**20 < MAX_BODY_BYTES
    assert send(peer, said(b"x" * MAX_DOCUMENT_BYTES))[0] == 200
