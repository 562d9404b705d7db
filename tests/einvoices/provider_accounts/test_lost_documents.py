"""Legal documents of sendings when something fails: the file, the store, the writer, the worker."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import pytest
from flask.testing import FlaskClient

from app.einvoices.documents import legal_documents
from app.einvoices.models.documents import EinvoiceDocument
from app.einvoices.models.provider_accounts import ProviderLane
from app.einvoices.provider_accounts import sent_documents
from app.einvoices.providers import outbox
from app.extensions import db
from app.kernel.storage.file_store import StorageUnavailable
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.work_queue import WORKER_LOST
from app.operations.monitoring import backlogs
from app.pdf import files
from tests.einvoices.documents.test_legal_documents import an_issued
from tests.einvoices.helpers import URL, fetch_detail, perform
from tests.einvoices.provider_accounts.helpers import call_back
from tests.einvoices.provider_accounts.test_sent_documents import Open, document_of, send_all, sending
from tests.einvoices.providers.provider_server import DROP, StoringProvider

PassTime = Callable[[float], None]


@pytest.fixture
def sale(admin: FlaskClient, open_account: Open) -> int:
    """An e-invoice that is queued for an account with a format."""
    sale = an_issued(admin, provider_account_id=open_account(document_format="ubl")["id"])
    perform(admin, sale["id"], "send")
    return int(sale["id"])


def test_what_waits_for_its_document_is_work_of_the_printer(sale: int) -> None:
    def due() -> tuple[int, ...]:
        found = {each.kind: each.due for each in backlogs.list_backlogs()}
        return found["sent_documents"], found["sendings"]

    assert due() == (1, 0)
    sent_documents.write_due()
    assert due() == (0, 1)


def test_accounts_take_turns(admin: FlaskClient, open_account: Open) -> None:
    first, second = (open_account(name=name, document_format="ubl")["id"] for name in ("A", "B"))
    names = {}
    for account in (first, first, first, second, second):
        issued = an_issued(admin, provider_account_id=account)["id"]
        perform(admin, issued, "send")
        names[issued] = account
    with mock.patch.object(legal_documents, "write", wraps=legal_documents.write) as write:
        sent_documents.write_due()
    assert [names[call.args[0]] for call in write.call_args_list] == [first, second, first, second, first]


def path_of_document() -> str:
    with unit_of_work():
        return str(db.session.scalars(db.select(EinvoiceDocument.path)).one())


def spoil(path: str, damage: bytes | None) -> None:
    if damage is None:
        file_store().remove(path)
    else:
        file_store().write(path, damage)


@pytest.mark.parametrize("damage", [None, b"<damaged/>"])
def test_a_lost_file_is_not_sent_and_is_written_again(
    admin: FlaskClient, sale: int, store: StoringProvider, pass_time: PassTime, damage: bytes | None
) -> None:
    sent_documents.write_due()
    path = path_of_document()
    whole = files.read(path)
    spoil(path, damage)
    outbox.send_due()
    row = sending()
    assert (store.bodies, row.state, row.in_doubt, row.document_id) == ([], "pending", False, None)
    assert "missing or damaged" in str(row.error)
    pass_time(31)
    send_all()
    assert document_of(store)["content"] == whole
    assert fetch_detail(admin, sale)["status"] == "accepted"


@pytest.mark.parametrize("damage", [None, b"<damaged/>"])
def test_a_download_writes_a_lost_file_again(admin: FlaskClient, sale: int, damage: bytes | None) -> None:
    sent_documents.write_due()
    path = path_of_document()
    whole = files.read(path)
    spoil(path, damage)
    assert admin.get(f"{URL}/{sale}/documents/ubl", buffered=True).data == whole


@pytest.mark.parametrize("error", [PermissionError("no"), OSError(5, "I/O error"), StorageUnavailable()])
def test_a_store_that_cannot_be_read_is_no_doubt_and_no_fault_of_the_provider(
    admin: FlaskClient, sale: int, store: StoringProvider, pass_time: PassTime, error: Exception
) -> None:
    sent_documents.write_due()
    written = sending().document_id
    with mock.patch.object(files, "read", side_effect=error):
        outbox.send_due()
    row = sending()
    assert (store.bodies, row.state, row.in_doubt, row.document_id) == ([], "pending", False, written)
    with unit_of_work():
        assert db.session.get_one(ProviderLane, row.lane_id).failures == 0
    pass_time(31)
    outbox.send_due()
    assert document_of(store)["format"] == "ubl"


def test_the_history_has_the_document_when_a_report_came_in_place_of_an_answer(
    admin: FlaskClient, open_account: Open, store: StoringProvider
) -> None:
    account = open_account(document_format="ubl")
    sale = an_issued(admin, provider_account_id=account["id"])
    perform(admin, sale["id"], "send")
    store.decide = lambda: DROP
    send_all()
    report = {"invoice_no": sale["invoice_no"], "provider_status": "accepted"}
    assert call_back(admin, account, report).status_code == 200
    [sent] = [each["payload"] for each in fetch_detail(admin, sale["id"])["events"] if each["type"] == "sent"]
    assert (sent["format"], sent["sha256"]) == ("ubl", document_of(store)["sha256"])


def test_a_writer_that_fails_is_repeated_and_given_up_with_the_reason(
    admin: FlaskClient, sale: int, store: StoringProvider, pass_time: PassTime
) -> None:
    with mock.patch.object(legal_documents, "write", side_effect=OSError("disk full")) as write:
        sent_documents.write_due()
        sent_documents.write_due()
        assert write.call_count == 1, "it waits"
        pass_time(31)
        sent_documents.write_due()
        assert (write.call_count, sending().error) == (2, "OSError: disk full")
        pass_time(7300)
        sent_documents.write_due()
    shown = fetch_detail(admin, sale)
    assert (shown["status"], shown["provider_status"]) == ("issued", "failed")
    assert store.bodies == []
    perform(admin, sale, "send")
    send_all()
    assert document_of(store)["format"] == "ubl"


def test_a_writer_that_fails_after_a_long_outage_is_repeated(
    admin: FlaskClient, sale: int, store: StoringProvider, pass_time: PassTime
) -> None:
    pass_time(3 * 3600)
    with mock.patch.object(legal_documents, "write", side_effect=StorageUnavailable()):
        sent_documents.write_due()
    assert sending().state == "pending"
    pass_time(1201)
    send_all()
    assert fetch_detail(admin, sale)["status"] == "accepted"


def test_a_document_that_kills_its_workers_is_given_up(admin: FlaskClient, sale: int, pass_time: PassTime) -> None:
    with mock.patch.object(legal_documents, "write", side_effect=SystemExit) as write:
        for _ in range(6):
            with pytest.raises(SystemExit):
                sent_documents.write_due()
            pass_time(1201)
        sent_documents.write_due()
    assert (write.call_count, sending().state, sending().error) == (6, "failed", WORKER_LOST)
    assert fetch_detail(admin, sale)["provider_status"] == "failed"


def test_a_long_document_is_not_written_by_two_workers(sale: int, pass_time: PassTime) -> None:
    def write(*_args: object) -> int:
        pass_time(100)
        with mock.patch.object(legal_documents, "write") as second:
            sent_documents.write_due()
        assert not second.called
        raise OSError("disk full")

    with mock.patch.object(legal_documents, "write", side_effect=write):
        sent_documents.write_due()
    assert sending().error == "OSError: disk full"
