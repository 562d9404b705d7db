"""Large legal documents: a process sends few at a time, because each takes several times its size of memory."""

from __future__ import annotations

import threading
import time

import pytest
from flask.testing import FlaskClient

from app.einvoices.provider_accounts import sent_documents
from app.einvoices.providers import outbox
from app.einvoices.providers.clients import ADAPTERS
from app.einvoices.providers.contract import ProviderRequest, ProviderResponse
from tests.einvoices.documents.test_legal_documents import an_issued
from tests.einvoices.helpers import fetch_detail, perform, set_adapter
from tests.einvoices.provider_accounts.test_sent_documents import Open


class Meter:
    """The adapter of HTTP; it counts the requests that run at the same time, with a document and without."""

    def __init__(self) -> None:
        self.send = ADAPTERS["http"].send
        self.running = {True: 0, False: 0}
        self.most = {True: 0, False: 0}
        self.order: list[bool] = []
        self._lock = threading.Lock()

    def __call__(self, request: ProviderRequest) -> ProviderResponse:
        has_document = request.legal_document is not None
        with self._lock:
            self.running[has_document] += 1
            self.most[has_document] = max(self.most[has_document], self.running[has_document])
            self.order.append(has_document)
        time.sleep(0.2)
        response = self.send(request)
        with self._lock:
            self.running[has_document] -= 1
        return response


def test_few_are_sent_at_a_time_and_others_do_not_wait_for_them(
    admin: FlaskClient, open_account: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, plain = (
        open_account(name=name, document_format=format_)["id"]
        for name, format_ in (("A", "ubl"), ("B", "ubl"), ("C", None))
    )
    ids = [an_issued(admin, provider_account_id=account)["id"] for account in (first, second, plain) for _ in range(4)]
    for einvoice_id in ids:
        perform(admin, einvoice_id, "send")
    sent_documents.write_due()
    meter = Meter()
    set_adapter(monkeypatch, "http", send=meter)
    monkeypatch.setattr(outbox, "LARGE_BYTES", 100)
    monkeypatch.setattr(outbox, "MAX_LARGE_REQUESTS", 2)
    outbox.send_due()
    assert meter.most == {True: 2, False: 4}
    assert meter.order[:6].count(False) == 4
    assert {fetch_detail(admin, einvoice_id)["status"] for einvoice_id in ids} == {"accepted"}


def test_small_ones_go_beside_each_other(
    admin: FlaskClient, open_account: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = open_account(document_format="ubl")["id"]
    for _ in range(4):
        perform(admin, an_issued(admin, provider_account_id=account)["id"], "send")
    sent_documents.write_due()
    meter = Meter()
    set_adapter(monkeypatch, "http", send=meter)
    monkeypatch.setattr(outbox, "MAX_LARGE_REQUESTS", 1)
    outbox.send_due()
    assert meter.most[True] > 1
