"""``Idempotency-Key``: a repeated request is executed once and its response is replayed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.accounts.models.accounts import IdempotencyKey
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.sales.imports import single
from app.sales.models.invoices import SalesInvoice
from tests.factories import a_sale

IMPORT = "/api/sales/import/invoice/"


def send(client: FlaskClient, payload: dict[str, Any], key: str = "order-1", path: str = IMPORT) -> TestResponse:
    return client.post(path, json=payload, headers={"Idempotency-Key": key})


def count(model: Any) -> int:
    with db.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(model)) or 0


def test_the_same_request_is_replayed(erp: FlaskClient) -> None:
    sale = a_sale()
    first, second = send(erp, sale), send(erp, sale)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.data == second.data
    assert second.content_type == first.content_type
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(SalesInvoice) == 1


def test_a_trailing_slash_does_not_matter(erp: FlaskClient) -> None:
    sale = a_sale()
    send(erp, sale)
    assert send(erp, sale, path=IMPORT.rstrip("/")).headers["Idempotent-Replayed"] == "true"


def test_the_same_key_with_another_body_is_refused(erp: FlaskClient) -> None:
    send(erp, a_sale())
    answer = send(erp, a_sale())
    assert answer.status_code == 422
    assert answer.json["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert count(SalesInvoice) == 1


def test_the_same_key_for_another_path_is_refused(client_as: Callable[..., FlaskClient]) -> None:
    admin = client_as("admin")
    assert send(admin, a_sale()).status_code == 201
    assert send(admin, {}, path="/api/v1/stream/tickets").status_code == 422


def test_each_credential_has_its_own_keys(erp: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
    assert send(erp, a_sale()).status_code == 201
    assert send(client_as("billing"), a_sale()).status_code == 201
    assert count(SalesInvoice) == 2


def test_a_replay_requires_the_credential(erp: FlaskClient, anybody: FlaskClient) -> None:
    sale = a_sale()
    send(erp, sale)
    assert send(anybody, sale).status_code == 401


def test_a_key_can_be_used_again_after_24_hours(erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    send(erp, a_sale())
    later = clock.now() + timedelta(hours=24, seconds=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    answer = send(erp, a_sale())
    assert answer.status_code == 201
    assert "Idempotent-Replayed" not in answer.headers
    assert (count(SalesInvoice), count(IdempotencyKey)) == (2, 1)


@pytest.mark.parametrize("payload", [{}, a_sale(items=[])])
def test_a_refused_request_can_be_corrected_and_sent_again(erp: FlaskClient, payload: dict[str, Any]) -> None:
    assert send(erp, payload).status_code == 400
    assert send(erp, a_sale()).status_code == 201


def test_a_conflict_is_not_stored(erp: FlaskClient) -> None:
    sale = a_sale()
    send(erp, sale, key="a")
    assert [send(erp, sale, key="b").status_code for _ in range(2)] == [409, 409]
    assert count(IdempotencyKey) == 1


def test_key_and_invoice_are_stored_in_one_transaction(erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = a_sale()
    with monkeypatch.context() as patch:
        patch.setattr(IdempotencyKey, "__init__", lambda *_args, **_facts: 1 / 0)
        assert send(erp, sale).status_code == 500
    assert (count(SalesInvoice), count(IdempotencyKey)) == (0, 0)
    assert send(erp, sale).status_code == 201


def test_a_failed_request_does_not_block_its_key(erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sale = a_sale()
    with monkeypatch.context() as patch:
        patch.setattr(single.events, "event_params", lambda *_args, **_facts: 1 / 0)
        assert send(erp, sale).status_code == 500
    assert send(erp, sale).status_code == 201


def test_a_parallel_request_with_the_same_key_is_refused(erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    sale, started, proceed = a_sale(), threading.Event(), threading.Event()
    real = single.import_invoice

    def slow(*args: Any, **kwargs: Any) -> Any:
        started.set()
        assert proceed.wait(10)
        return real(*args, **kwargs)

    monkeypatch.setattr(single, "import_invoice", slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(send, erp, sale)
        assert started.wait(10)
        parallel = send(erp, sale)
        proceed.set()
        assert first.result().status_code == 201
    assert parallel.status_code == 409
    assert parallel.json["code"] == "IDEMPOTENCY_KEY_IN_USE"
    assert parallel.headers["Retry-After"] == "1"
    assert send(erp, sale).headers["Idempotent-Replayed"] == "true"


def test_many_parallel_requests_create_one_invoice(erp: FlaskClient) -> None:
    sale = a_sale()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: send(erp, sale), range(30)))
    statuses = {(a.status_code, a.json.get("code")) for a in answers}
    assert statuses <= {(201, None), (409, "IDEMPOTENCY_KEY_IN_USE")}
    created = [a for a in answers if a.status_code == 201]
    assert len({a.data for a in created}) == 1
    assert len([a for a in created if "Idempotent-Replayed" not in a.headers]) == 1
    assert count(SalesInvoice) == 1


@pytest.mark.parametrize("key", ["x", "x" * 255, "é" * 100, "order 1/2"])
def test_keys_may_be_any_printable_text(erp: FlaskClient, key: str) -> None:
    assert send(erp, a_sale(), key=key).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\x7f"])
def test_other_keys_are_refused(erp: FlaskClient, key: str) -> None:
    answer = send(erp, a_sale(), key=key)
    assert answer.status_code == 400
    assert answer.json["errors"] == {"Idempotency-Key": ["Use 1 to 255 printable characters."]}


def test_a_sealed_response_is_replayed(app: Hub, client_as: Callable[..., FlaskClient]) -> None:
    client = client_as("admin")
    first, second = (send(client, {}, path="/api/v1/stream/tickets") for _ in range(2))
    assert first.status_code == 201
    assert first.json["ticket"] == second.json["ticket"]
