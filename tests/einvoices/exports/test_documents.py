"""Documents of other formats than PDF: recorded in the chain, part of the package, removed with personal data."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.einvoices.documents import written_documents
from app.einvoices.evidence import removals
from app.einvoices.evidence.chain_records import record_artefact
from app.einvoices.queries.lookup import find
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import unit_of_work
from tests.einvoices.exports.packages import Month, check, export, make_month, store_document, unpack
from tests.einvoices.helpers import create_issued
from tests.object_stores import stored_paths

pytestmark = pytest.mark.usefixtures("each_storage")


def test_changed_documents_are_named(month: Month) -> None:
    first, second = (f"documents/ubl-tr/{number}.xml" for number in month.numbers[:2])
    files = month.files
    assert files[first].startswith(b"<Invoice>")
    swapped = check({**files, first: files[second], second: files[first]}).findings
    assert swapped == [
        f"{first} was changed: it is the file of {month.numbers[1]}.",
        f"{second} was changed: it is the file of {month.numbers[0]}.",
    ]
    [missing] = check({name: content for name, content in files.items() if name != first}).findings
    assert missing.startswith(f"{first.removesuffix('.xml')} is missing: record ")
    [cut] = check({**files, first: files[first][:-1]}).findings
    assert cut.startswith(f"{first} was changed: it is not the file of record ")
    more = f"documents/ubl-tr/{month.numbers[2]}.xml"
    assert check({**files, more: b"<Invoice/>"}).findings == [f"{more} does not belong to the package."]


@pytest.mark.slow
def test_the_newest_document_of_each_format_counts(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        make_month(owner, patch, documents=True)
        store_document(1, "ubl-tr", b"<Invoice>again</Invoice>")
        files = unpack(export(owner))
    [first, _] = sorted(name for name in files if name.startswith("documents/ubl-tr/"))
    assert files[first] == b"<Invoice>again</Invoice>"
    assert check(files).findings == []


@pytest.mark.slow
def test_a_missing_file_is_left_out_and_found_by_the_verifier(
    owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        numbers = make_month(owner, patch, documents=True)
        [document] = [path for path in stored_paths() if "/1-documents/" in path and "/ubl-tr-" in path]
        [pdf] = [path for path in stored_paths() if path.startswith("einvoices/0/1-") and path.endswith(".pdf")]
        for path in (document, pdf):
            file_store().remove(path)
        files = unpack(export(owner))
    number = numbers[0]
    assert not {f"pdf/{number}.pdf", f"documents/ubl-tr/{number}.xml"} & set(files)
    said = " ".join(check(files).findings)
    assert f"pdf/{number}.pdf is missing" in said
    assert f"documents/ubl-tr/{number} is missing" in said


@pytest.mark.slow
def test_documents_go_with_personal_data(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        make_month(owner, patch, documents=True)
        with unit_of_work():
            stored = [each.path for each in written_documents.list_newest([1])]
            assert removals.remove_personal_data(1, "retention", "test")
        files = unpack(export(owner))
    kept = [name for name in files if name.startswith("documents/")]
    assert (len(kept), [each in stored_paths() for each in stored]) == (2, [False, False])
    checked = check(files)
    assert checked.findings == []
    removed = [note for note in checked.notes if note.startswith("documents/") and "was removed by retention" in note]
    assert len(removed) == 2


@pytest.mark.parametrize("name", ["", "../x", "a/b", "UBL", "x" * 51])
def test_a_format_is_a_plain_name(owner: FlaskClient, name: str) -> None:
    einvoice = create_issued(owner)
    with pytest.raises(ValueError, match="no name of a format"), unit_of_work():
        record_artefact(find(einvoice["id"], None), name, "0" * 64, 1)
