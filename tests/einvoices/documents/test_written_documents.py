"""Written documents: a new version never overwrites, the same bytes are the same version, and the chain has each."""

from __future__ import annotations

import hashlib

import pytest
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.einvoices.documents import written_documents
from app.einvoices.documents.written_documents import NewDocument, list_newest, store
from app.einvoices.evidence import removals
from app.einvoices.models.documents import EinvoiceDocument, Origin
from app.einvoices.queries.lookup import find
from app.evidence.models import EvidenceEntry
from app.extensions import db
from app.kernel import json
from app.kernel.unit_of_work import unit_of_work
from app.pdf import files
from tests.einvoices.helpers import create_issued
from tests.object_stores import stored_paths

pytestmark = pytest.mark.usefixtures("each_storage")


def write(einvoice_id: int, content: bytes, file_format: str = "ubl", origin: Origin = Origin.HUB) -> tuple[int, str]:
    with unit_of_work():
        new = NewDocument(format=file_format, media_type="application/xml", content=content, origin=origin)
        row = store(einvoice_id, new)
        return row.version, row.path


def test_a_new_version_never_overwrites(owner: FlaskClient) -> None:
    sale = create_issued(owner)["id"]
    first, second = write(sale, b"<a/>"), write(sale, b"<b/>")
    assert [first[0], second[0], write(sale, b"<b/>")[0]] == [1, 2, 2]
    assert (files.read(first[1]), files.read(second[1])) == (b"<a/>", b"<b/>")
    assert write(sale, b"<b/>", origin=Origin.RETURNED)[0] == 3
    assert write(sale, b"<c/>", "cii")[0] == 1
    with unit_of_work():
        rows = list_newest([sale])
        assert [(row.format, row.version, row.origin) for row in rows] == [("cii", 1, "hub"), ("ubl", 3, "returned")]
        entries = db.session.query(EvidenceEntry).filter_by(einvoice_id=sale, kind="artefact").all()
        facts = [json.decode(each.body)["facts"] for each in entries]
    assert [each["format"] for each in facts if each["format"] != "pdf"] == ["ubl", "ubl", "ubl", "cii"]
    assert facts[0]["sha256"] == hashlib.sha256(b"<a/>").hexdigest()


def test_the_database_refuses_a_second_row_of_a_version(owner: FlaskClient) -> None:
    sale = create_issued(owner)["id"]
    write(sale, b"<a/>")
    with pytest.raises(IntegrityError), unit_of_work():
        row = written_documents.latest(find(sale, None), "ubl")
        assert row is not None
        names = [column.name for column in EinvoiceDocument.__table__.columns if column.name != "id"]
        db.session.add(EinvoiceDocument(**{name: getattr(row, name) for name in names}))
        db.session.flush()


def test_removed_personal_data_takes_the_documents_along(owner: FlaskClient) -> None:
    sale = create_issued(owner)["id"]
    _, path = write(sale, b"<a/>")
    with unit_of_work():
        assert removals.remove_personal_data(sale, "retention", "test")
    assert path not in stored_paths()
    with unit_of_work():
        assert list_newest([sale]) == []
        removed = db.session.query(EvidenceEntry).filter_by(einvoice_id=sale, kind="removed").all()
        said = [json.decode(each.body)["facts"] for each in removed]
    assert {"format": "ubl", "sha256": hashlib.sha256(b"<a/>").hexdigest(), "reason": "retention"} in said
