"""The world of the stateful test: sellers with accounts, the hub on loopback, a simulated provider, and one clock.

The provider is the simulator on loopback. It reports with signatures to the hub, which is on loopback too. Workers
are threads that run the code of the tasks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from app.einvoices import sellers
from app.einvoices.provider_accounts import directory
from app.extensions import db, limiter
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from app.provider_simulator import http_server
from app.provider_simulator.document_store import Document, DocumentStore, DueReport
from app.provider_simulator.report_sender import ReportSender
from app.provider_simulator.simulator_state import Simulator
from tests.einvoices.helpers import URL
from tests.einvoices.provider_accounts.helpers import ACCOUNTS

#: Tables that are emptied before each run of the machine; users, accounts and their lanes stay.
_EMPTIED = ("e_invoice", "provider_callbacks")
_EMPTY = "SET LOCAL session_replication_role = replica"


class Way(StrEnum):
    """How an e-invoice goes to the provider."""

    #: An account with a mapping.
    MAPPED = "mapped"
    #: An account without a mapping.
    PLAIN = "plain"
    #: An account with a mapping whose provider has no look-up.
    UNASKED = "unasked"
    #: Without an account, as the settings of the installation say; the provider answers its final word at once.
    INSTALLATION = "installation"


@dataclass
class Seller:
    """A user with a tax number of their own, and the id of the account for each way."""

    client: FlaskClient
    tax_id: str
    accounts: dict[Way, int] = field(default_factory=dict)

    def provider(self, way: Way) -> dict[str, Any]:
        """The fields of a draft that choose the way."""
        return {"provider_account_id": self.accounts[way]} if way in self.accounts else {"provider": "http"}


@dataclass
class Life:
    """One e-invoice.

    Attributes:
        root: id of the first e-invoice of its chain of corrections.
        words: of the way without an account: the words that its provider has told, and when.
        repeats: sendings that a user started although the provider had rejected it.
    """

    seller: Seller
    way: Way
    id: int
    root: int
    words: list[tuple[str, Any]] = field(default_factory=list)
    repeats: int = 0


class Clock:
    """The time of the hub and of the provider; it passes when the test says so."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        real = clock.now
        self.passed = timedelta(0)
        patch.setattr(clock, "now", lambda: real() + self.passed)

    def pass_time(self, seconds: float) -> None:
        self.passed += timedelta(seconds=seconds)


class Store(DocumentStore):
    """The list of the provider; its due reports leave it in their order, or the newest first."""

    newest_first = False

    def due_reports(self) -> list[DueReport]:
        due = super().due_reports()
        return due[::-1] if self.newest_first else due


class _Quiet(WSGIRequestHandler):
    def log(self, *_args: Any) -> None:
        """Write no line for each request."""


class Line:
    """The hub as the provider reaches it; ``lost`` answers to reports do not arrive."""

    def __init__(self, app: Hub) -> None:
        self._app, self.lost = app, 0

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        if not self.lost:
            return self._app(environ, start_response)
        self.lost -= 1
        answer = self._app(environ, lambda *_args: None)
        list(answer)
        answer.close()
        start_response("503 Service Unavailable", [])
        return []


@dataclass
class World:
    """What every run of the machine uses."""

    app: Hub
    clock: Clock
    simulator: Simulator
    line: Line
    reports: ReportSender
    sellers: Sequence[Seller]
    #: A user who acts for all sellers.
    colleague: FlaskClient

    @property
    def store(self) -> Store:
        assert isinstance(self.simulator.store, Store)
        return self.simulator.store

    def restart(self) -> None:
        """Forget all e-invoices, here and at the provider, and every fault."""
        self.line.lost, self.store.newest_first, self.clock.passed = 0, False, timedelta(0)
        for name, value in (("look_up_failures", 0), ("default", "accept")):
            self.store.set_setting(name, value)
        self.store.clear()
        tables = [name for name in db.metadata.tables if name.startswith(_EMPTIED)]
        with unit_of_work():
            db.session.execute(text("; ".join([_EMPTY, *(f'DELETE FROM "{name}"' for name in tables)])))
            db.session.execute(text("UPDATE provider_lanes SET failures = 0, is_slow = false, booked_until = now()"))
        self.enable_all()
        limiter.reset()

    def switch(self, life: Life, enabled: bool) -> None:
        """Enable or disable the account of an e-invoice, if it has one."""
        if life.way in life.seller.accounts:
            url = f"{ACCOUNTS}/{life.seller.accounts[life.way]}"
            assert life.seller.client.patch(url, json={"enabled": enabled}).status_code == 200

    def enable_all(self) -> None:
        """Enable every account."""
        with unit_of_work():
            db.session.execute(text("UPDATE provider_accounts SET enabled = true"))

    def together(self, works: Sequence[Callable[[], Any]]) -> None:
        """Run functions at the same time, each in a thread with a session of its own."""
        barrier = threading.Barrier(len(works))

        def run(work: Callable[[], Any]) -> None:
            with self.app.app_context():
                barrier.wait(10)
                try:
                    work()
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(len(works)) as pool:
            for done in [pool.submit(run, work) for work in works]:
                done.result()

    def shown(self, life: Life) -> dict[str, Any]:
        """An e-invoice as its seller sees it."""
        answer = life.seller.client.get(f"{URL}/{life.id}")
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json
        return found

    def documents(self, life: Life) -> dict[str, Document]:
        """What the provider has of an e-invoice, by the account at the provider."""
        number = self.shown(life)["invoice_no"]
        mine = [one for one in self.store.documents() if (one.seller, one.invoice_no) == (life.seller.tax_id, number)]
        return {one.account: one for one in mine}

    def document(self, life: Life) -> Document | None:
        """What the provider has of an e-invoice in the account through which it is sent now."""
        return self.documents(life).get(name_of(life.seller, life.way))

    def sendings(self, life: Life) -> list[Any]:
        """The sendings of an e-invoice, the oldest first."""
        query = "SELECT * FROM e_invoice_sendings WHERE einvoice_id = :id ORDER BY id"
        with db.engine.connect() as connection:
            return list(connection.execute(text(query), {"id": life.id}))

    def credited_total(self, einvoice_id: int) -> float:
        """What returns and credit notes have taken from a sale."""
        query = text("SELECT credited_total FROM e_invoices WHERE id = :id")
        with db.engine.connect() as connection:
            return float(connection.scalar(query, {"id": einvoice_id}))

    def open_sendings(self) -> int:
        """Number of sendings that wait, or whose provider can still be asked."""
        query = text(
            "SELECT count(*) FROM e_invoice_sendings WHERE state = 'pending' OR in_doubt OR check_state = 'open'"
        )
        with db.engine.connect() as connection:
            return int(connection.scalar(query) or 0)


def name_of(seller: Seller, way: Way) -> str:
    """Name of an account at the provider."""
    return f"{way}-{seller.tax_id}" if way in seller.accounts else "demo"


@contextmanager
def served(server: BaseWSGIServer) -> Iterator[str]:
    """The address of a server that runs during the block."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running_world(
    app: Hub, clients: Sequence[FlaskClient], colleague: FlaskClient, patch: pytest.MonkeyPatch
) -> Iterator[World]:
    """The world with a seller for each client, and a user who acts for all of them."""
    time, line = Clock(patch), Line(app)
    store = Store(now=lambda: clock.now().timestamp())
    simulator = Simulator(store, slow_seconds=0.02, hang_seconds=0.05)
    with (
        served(make_server("127.0.0.1", 0, line, threaded=True, request_handler=_Quiet)) as hub,
        served(http_server.make_server(simulator, "127.0.0.1", 0)) as provider,
    ):
        for name in ("EINVOICE_PROVIDER_URL", "EINVOICE_PROVIDER_LOOKUP_URL"):
            patch.setitem(app.config, name, f"{provider}/demo/einvoices")
        known = [_open_seller(client, store, hub, provider) for client in clients]
        yield World(app, time, simulator, line, ReportSender(store, "test"), known, colleague)
    store.close()


def _open_seller(client: FlaskClient, store: Store, hub: str, provider: str) -> Seller:
    seller = Seller(client, f"{client.user_id:010}")
    with unit_of_work():
        sellers.save(client.user_id, actor="a test", tax_id=seller.tax_id, address="Sanayi Cad. 1, Bursa")
    port = int(provider.rpartition(":")[2])
    for way in (Way.MAPPED, Way.PLAIN, Way.UNASKED):
        url = f"{provider}/{way}-{seller.tax_id}/einvoices"
        facts = {
            "name": way.value,
            "adapter": "http",
            "mode": "live",
            "url": url,
            "lookup_url": "" if way == Way.UNASKED else url,
            "mapping": None if way == Way.PLAIN else {"accepted": "accepted", "rejected": "rejected"},
            "allowances": [{"cidr": "127.0.0.0/8", "port": port}],
        }
        with unit_of_work():
            made = directory.create(facts, client.user_id, actor="a test", may_allow=True)
            account_id, path, secret = made.account.id, made.account.callback_url, made.callback_secret
        assert client.post(f"{ACCOUNTS}/{account_id}/test").json["state"] == "ready"
        store.set_target(f"{way}-{seller.tax_id}", f"{hub}{path}", secret)
        seller.accounts[way] = account_id
    return seller
