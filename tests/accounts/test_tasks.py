"""Task ``accounts.purge``: it deletes expired rows and keeps all others."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts import audit, tasks
from app.accounts.models.accounts import ApiCall, IdempotencyKey, LoginSession
from app.extensions import celery, db
from app.kernel import clock
from tests.factories import a_sale

LIST = "/api/sales/invoices/"


class TestPurge:
    def purge(self) -> int:
        deleted: int = celery.tasks["accounts.purge"].apply().get()
        return deleted

    def test_keeps_rows_that_have_not_expired(self, erp: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
        client_as("admin")
        erp.post("/api/sales/import/invoice/", json=a_sale(), headers={"Idempotency-Key": "k"})
        audit.recorder.flush()
        assert self.purge() == 0

    @pytest.mark.parametrize(
        ("model", "after"),
        [
            (IdempotencyKey, timedelta(hours=24)),
            (LoginSession, timedelta(days=7)),
            (ApiCall, timedelta(days=90)),
        ],
    )
    def test_deletes_each_kind_of_row_after_its_retention(
        self,
        erp: FlaskClient,
        client_as: Callable[..., FlaskClient],
        monkeypatch: pytest.MonkeyPatch,
        model: Any,
        after: timedelta,
    ) -> None:
        client_as("admin").get(LIST)
        erp.post("/api/sales/import/invoice/", json=a_sale(), headers={"Idempotency-Key": "k"})
        audit.recorder.flush()
        later = clock.now() + after + timedelta(seconds=5)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert self.purge() >= 1
        with db.engine.connect() as connection:
            assert connection.execute(select(model.__table__)).all() == []

    def test_deletes_all_expired_rows_in_several_batches(
        self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tasks, "BATCH_SIZE", 2)
        for _ in range(5):
            erp.get(LIST)
        audit.recorder.flush()
        later = clock.now() + timedelta(days=91)
        monkeypatch.setattr(clock, "now", lambda: later)
        assert self.purge() == 5
