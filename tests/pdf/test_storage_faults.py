"""A store that does not answer: prints and checks wait, readers get 503, removals are kept, nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.einvoices.evidence import removals
from app.einvoices.models.work import EinvoicePdf
from app.einvoices.pdf import print_job
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.storage import object_client, store_health
from app.kernel.storage.file_store import StorageUnavailable
from app.kernel.storage.stores import file_store
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.operations import tasks
from app.pdf import file_removals, files
from app.pdf.models import FileRemoval
from app.storage_settings import StorageSettings
from tests.einvoices.conftest import owner, owner_as
from tests.einvoices.helpers import URL, create_issued, fetch_pdf, perform
from tests.fault_proxy import Fault, FaultProxy, fault_proxy
from tests.object_stores import KEYS, ObjectServer, stored_paths

pytestmark = pytest.mark.slow

__all__ = ["owner", "owner_as"]


@pytest.fixture
def proxy(app: Hub, object_store: ObjectServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """The application stores its files through the proxy."""
    monkeypatch.setattr(object_client, "READ_TIMEOUT", 1)
    monkeypatch.setattr(store_health, "KEPT_SECONDS", 0)
    with fault_proxy(object_store.address) as running:
        running.slow_seconds = 1.5
        url = object_store.url(address=running.address)
        monkeypatch.setitem(app.config, "STORAGE", StorageSettings(url=url, **KEYS))
        yield running


def break_down(proxy: FaultProxy) -> None:
    proxy.choose = lambda _method, _path: Fault.ERROR_503


def recover(proxy: FaultProxy) -> None:
    proxy.choose = lambda _method, _path: None


def row_of(einvoice_id: int) -> Any:
    with db.engine.connect() as connection:
        return connection.execute(select(EinvoicePdf.__table__).where(EinvoicePdf.einvoice_id == einvoice_id)).one()


def waiting_removals() -> list[str]:
    with unit_of_work():
        return list(db.session.scalars(select(FileRemoval.path)))


class TestPrinting:
    def test_a_print_waits_for_the_store_however_often_it_fails(
        self, owner: FlaskClient, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        sale = create_issued(owner)["id"]
        break_down(proxy)
        moment = clock.now()
        for _ in range(len(work_queue.DELAYS) + 3):
            print_job.print_due()
            row = row_of(sale)
            assert (row.state, row.path, row.error) == ("pending", None, StorageUnavailable.message)
            moment += work_queue.DELAYS[-1] + timedelta(seconds=1)
            monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        recover(proxy)
        print_job.print_due()
        assert row_of(sale).state == "done"
        assert stored_paths() == [row_of(sale).path]

    def test_a_lost_answer_leaves_one_whole_file(self, owner: FlaskClient, proxy: FaultProxy) -> None:
        sale = create_issued(owner)["id"]
        lost = [Fault.LOST_ANSWER]
        proxy.choose = lambda method, _path: lost.pop() if lost and method == "PUT" else None
        print_job.print_due()
        assert not lost
        assert fetch_pdf(owner, sale).data.startswith(b"%PDF")
        assert stored_paths() == [row_of(sale).path]


class TestReading:
    @pytest.fixture
    def printed(self, owner: FlaskClient, proxy: FaultProxy) -> int:
        sale: int = create_issued(owner)["id"]
        print_job.print_due()
        return sale

    def test_readers_get_503_in_their_envelope(
        self, owner: FlaskClient, anybody: FlaskClient, proxy: FaultProxy, printed: int
    ) -> None:
        link = owner.post(f"{URL}/{printed}/links", json={}).json["url"].removeprefix("http://localhost")
        break_down(proxy)
        answer = fetch_pdf(owner, printed)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json == {"message": StorageUnavailable.message, "error": "STORAGE_UNAVAILABLE"}
        public = anybody.get(link, headers={"Accept": "text/html"})
        assert (public.status_code, public.mimetype, public.headers["Retry-After"]) == (503, "text/html", "5")
        assert "127.0.0.1" not in public.text
        recover(proxy)
        assert fetch_pdf(owner, printed).status_code == anybody.get(link, buffered=True).status_code == 200

    def test_a_fault_between_question_and_answer_is_503_too(
        self, owner: FlaskClient, proxy: FaultProxy, printed: int
    ) -> None:
        proxy.choose = lambda method, _path: Fault.ERROR_500 if method == "GET" else None
        assert fetch_pdf(owner, printed).status_code == 503

    def test_no_connection_is_held_meanwhile(
        self, owner: FlaskClient, proxy: FaultProxy, printed: int, connections_in_use: Callable[[], int]
    ) -> None:
        held: list[int] = []
        proxy.choose = lambda _method, _path: held.append(connections_in_use())
        assert fetch_pdf(owner, printed).status_code == 200
        assert held == [0, 0]

    def test_a_document_is_written_without_a_connection(
        self, owner: FlaskClient, proxy: FaultProxy, printed: int, connections_in_use: Callable[[], int]
    ) -> None:
        held: list[int] = []
        proxy.choose = lambda method, _path: held.append(connections_in_use()) if method == "PUT" else None
        assert owner.get(f"{URL}/{printed}/documents/ubl", buffered=True).status_code == 200
        assert held == [0]

    def test_only_the_wanted_range_is_read(self, owner: FlaskClient, proxy: FaultProxy, printed: int) -> None:
        whole = fetch_pdf(owner, printed).data
        proxy.headers.clear()
        assert fetch_pdf(owner, printed, Range="bytes=10-19").data == whole[10:20]
        asked = {name.lower(): value for name, value in proxy.headers[-1].items()}
        assert asked["range"] == "bytes=10-19"
        proxy.seen.clear()
        assert fetch_pdf(owner, printed, **{"If-None-Match": f'"{row_of(printed).sha256}"'}).status_code == 304
        assert [method for method, _, _ in proxy.seen] == ["HEAD"]

    def test_the_hub_is_ready_but_degraded(self, anybody: FlaskClient, proxy: FaultProxy) -> None:
        break_down(proxy)
        answer = anybody.get("/readyz")
        assert (answer.status_code, answer.json["status"], answer.json["storage"]) == (200, "degraded", "503")
        assert 'hub_up{server="storage"} 0.0' in anybody.get("/metrics").text
        recover(proxy)
        assert anybody.get("/readyz").json["storage"] == "ok"


class TestRemoving:
    def test_a_removal_waits_for_the_store(self, owner: FlaskClient, proxy: FaultProxy) -> None:
        sale = create_issued(owner)["id"]
        print_job.print_due()
        break_down(proxy)
        with unit_of_work():
            assert removals.remove_personal_data(sale, "retention", "test")
        assert len(waiting_removals()) == 1
        with pytest.raises(StorageUnavailable):
            tasks.remove_files()
        assert len(waiting_removals()) == 1
        recover(proxy)
        tasks.remove_files()
        assert (waiting_removals(), stored_paths()) == ([], [])

    def test_a_rolled_back_removal_removes_nothing(self, app: Hub, proxy: FaultProxy) -> None:
        files.write("a", b"a")
        with pytest.raises(ZeroDivisionError), unit_of_work():
            files.remove_after_commit("a")
            raise ZeroDivisionError
        assert stored_paths() == ["a"]

    def test_a_file_that_is_written_again_is_kept(self, app: Hub, proxy: FaultProxy) -> None:
        files.write("a", b"a")
        with unit_of_work():
            files.remove_after_commit("a")
        files.write("a", b"a")
        assert waiting_removals() == []
        assert stored_paths() == ["a"]

    def test_an_old_pdf_is_removed_by_a_worker(self, owner: FlaskClient, proxy: FaultProxy) -> None:
        sale = create_issued(owner)["id"]
        print_job.print_due()
        first = row_of(sale).path
        perform(owner, sale, "cancel", {"reason": "x"})
        print_job.print_due()
        assert waiting_removals() == [first]
        assert file_store().facts(first) is not None
        tasks.remove_files()
        assert stored_paths() == [row_of(sale).path]

    def test_many_removals_are_done_in_rounds(
        self, app: Hub, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_removals, "BUDGET", 0)
        for name in "abc":
            files.write(name, b"x")
            with unit_of_work():
                files.remove_after_commit(name)
        assert file_removals.remove_due()
        assert waiting_removals() == ["b", "c"]
