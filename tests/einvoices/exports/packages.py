"""Packages for the tests: a month of three days with every kind of document, and the verifier over its files."""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.einvoices.documents import written_documents
from app.einvoices.documents.written_documents import NewDocument
from app.einvoices.pdf import print_job
from app.einvoices.providers import outbox
from app.einvoices.queries import change_clock
from app.evidence import roots, time_stamps
from app.evidence.offline.chain_check import Chain
from app.evidence.offline.package_reader import Package
from app.evidence.offline.verify_command import verify
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
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


def store_document(einvoice_id: int, kind: str, content: bytes) -> None:
    """Store a document of another format than PDF."""
    media_type = "application/xml" if content.startswith(b"<") else "application/json"
    with unit_of_work():
        written_documents.store(einvoice_id, NewDocument(format=kind, media_type=media_type, content=content))


def make_month(owner: FlaskClient, patch: pytest.MonkeyPatch, *, documents: bool = False) -> list[str]:
    """Issue e-invoices on three days, with their files and what follows; return their numbers."""
    made = []
    for day in range(3):
        set_clock(patch, BASE + timedelta(days=day))
        made += [create_issued(owner, provider="null") for _ in range(2)]
        print_job.print_due()
    for each in made[:2] if documents else ():
        store_document(each["id"], "ubl-tr", f"<Invoice>{each['id']}</Invoice>".encode())
        store_document(each["id"], "inv-01", f'{{"id":{each["id"]}}}'.encode())
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
        super().__init__(Path("/nonexistent"))  # a folder without files
        self.files, self.names = files, Counter(list(files))

    def open(self, name: str) -> io.BytesIO:  # type: ignore[override]
        return io.BytesIO(self.files.get(name, b""))


def check(files: Files, known: dict[str, str] | None = None) -> Chain:
    """What the verifier says about files."""
    return verify(Folder(files), list((known or {}).items()))


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
        with authority.configured(app), pytest.MonkeyPatch.context() as patch:
            numbers = make_month(owner, patch, documents=True)
            content = export(owner)
        files = unpack(content)
        checked = check(files)
        assert checked.findings == []
        known = {day: root["root"] for day, root in checked.roots.items()}
        _made.append(Month(content, files, known, numbers, authority))
    return _made[0]
