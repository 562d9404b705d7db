"""Packages for the tests: a month of three days with every kind of document, and the verifier over its files."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.einvoices.evidence import document_stores
from app.einvoices.evidence.chain_records import record_artefact
from app.einvoices.evidence.document_stores import DocumentStore, StoredDocument
from app.einvoices.pdf import print_job
from app.einvoices.providers import outbox
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find
from app.evidence import roots, time_stamps
from app.evidence.offline.chain_check import Chain
from app.evidence.offline.package_reader import Package
from app.evidence.offline.verify_command import verify
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import after_commit, unit_of_work
from tests.einvoices.helpers import SAMPLE, create_issued, perform
from tests.evidence.authority_server import StampAuthority

EXPORTS = "/api/v1/exports"
#: The 10th of the next month at noon, so that no day of a test is near the end of a month.
BASE = (datetime.now(UTC).replace(day=1) + timedelta(days=32)).replace(day=10, hour=12)
PERIOD = f"{BASE:%Y-%m}"
Files = dict[str, bytes]


def set_clock(patch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Set the clock, also that of the stamps of changes."""
    patch.setattr(clock, "now", lambda: moment)
    patch.setattr(change_clock, "stamp", lambda: moment)


class FolderStore:
    """A store of documents in a folder, as it is used for XML and JSON."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = DocumentStore(self._newest_of, self._remove)

    def write(self, einvoice_id: int, kind: str, name: str, content: bytes) -> None:
        """Store a document, and record it in the chain."""
        path = self.folder / str(einvoice_id) / kind / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        with unit_of_work():
            digest = hashlib.sha256(content).hexdigest()
            record_artefact(find(einvoice_id, None), kind, digest, len(content))

    def _newest_of(self, ids: Sequence[int]) -> Iterator[StoredDocument]:
        for einvoice_id in ids:
            for path in sorted((self.folder / str(einvoice_id)).glob("*/*")):
                yield StoredDocument(einvoice_id, path.parent.name, path)

    def _remove(self, einvoice_id: int) -> None:
        after_commit(lambda: shutil.rmtree(self.folder / str(einvoice_id)))


def make_month(owner: FlaskClient, patch: pytest.MonkeyPatch, documents: FolderStore | None = None) -> list[str]:
    """Issue e-invoices on three days, with their files and what follows; return their numbers."""
    made = []
    for day in range(3):
        set_clock(patch, BASE + timedelta(days=day))
        made += [create_issued(owner, provider="null") for _ in range(2)]
        print_job.print_due()
    for each in made[:2] if documents else ():
        documents.write(each["id"], "ubl-tr", "e.xml", f"<Invoice>{each['id']}</Invoice>".encode())
        documents.write(each["id"], "canonical", "e.json", f'{{"id":{each["id"]}}}'.encode())
    perform(owner, made[1]["id"], "cancel", {"reason": "wrong buyer"})
    perform(owner, made[0]["id"], "send")
    outbox.send_due()
    perform(owner, made[0]["id"], "provider-status", SAMPLE)
    credit = perform(owner, made[0]["id"], "credit-notes", {"reason": "broken"})
    made.append(perform(owner, credit["id"], "issue"))
    print_job.print_due()
    set_clock(patch, BASE + timedelta(days=3))
    assert roots.seal_due() == 3
    time_stamps.stamp_due()
    return [each["invoice_no"] for each in made]


def export(client: FlaskClient, period: str = PERIOD, **query: int) -> bytes:
    """Download a package."""
    answer = client.get(f"{EXPORTS}/{period}", query_string=query, buffered=True)
    assert (answer.status_code, answer.mimetype) == (200, "application/zip"), answer.json
    return answer.data


def unpack(content: bytes) -> Files:
    """The files of a package."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


class Folder(Package):
    """A package in memory."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        super().__init__(Path("/nonexistent"))
        self.files, self.names = files, Counter(list(files))

    def open(self, name: str) -> io.BytesIO:  # type: ignore[override]
        return io.BytesIO(self.files.get(name, b""))


def check(files: Files, known: dict[str, str] | None = None) -> Chain:
    """What the verifier says about files."""
    return verify(Folder(files), known or {})


Change = Callable[[list[bytes]], list[bytes]]


def change_lines(files: Files, name: str, change: Change) -> Files:
    """Other files, in which ``change`` changed the lines of one."""
    lines = change(files[name].splitlines(keepends=True))
    return {**files, name: b"".join(lines)}


@dataclass(frozen=True, slots=True)
class Month:
    """A package, its files and the roots that somebody kept."""

    content: bytes
    files: Files
    known: dict[str, str]
    numbers: list[str]
    #: Whose time stamps it has.
    authority: StampAuthority


_made: list[Month] = []


@pytest.fixture
def month(request: pytest.FixtureRequest, app: Hub, tmp_path_factory: pytest.TempPathFactory) -> Month:
    """A month that is made once, with time stamps and documents of other formats: no test of this module changes it."""
    if not _made:
        owner: FlaskClient = request.getfixturevalue("owner")
        authority = StampAuthority(tmp_path_factory.mktemp("authority"))
        documents = FolderStore(tmp_path_factory.mktemp("documents"))
        with authority.configured(app), pytest.MonkeyPatch.context() as patch:
            patch.setattr(document_stores, "STORES", [documents.store])
            numbers = make_month(owner, patch, documents)
            content = export(owner)
        files = unpack(content)
        checked = check(files)
        assert checked.findings == []
        known = {day: root["root"] for day, root in checked.roots.items()}
        _made.append(Month(content, files, known, numbers, authority))
    return _made[0]
