"""A hub with data, and an empty second installation."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from sqlalchemy import update

from app.accounts import audit
from app.config import Settings
from app.einvoices.models.work import EinvoicePdf
from app.extensions import db
from app.kernel.http.app import Hub
from app.kernel.unit_of_work import unit_of_work
from tests.conftest import close_connections
from tests.einvoices.conftest import owner, owner_as
from tests.einvoices.helpers import create_issued
from tests.factories import a_sale

__all__ = ["owner", "owner_as"]


@pytest.fixture(autouse=True)
def _quick_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a cheap scrypt cost; the real one takes half a second for each key."""
    monkeypatch.setattr("app.operations.backup.encryption._SCRYPT_N", 2)


@pytest.fixture
def filled(
    app: Hub, settings: Settings, client_as: Callable[..., Any], owner: FlaskClient, erp: FlaskClient
) -> Iterator[Path]:
    """The storage folder of a hub with data of sales, goods receipts and e-invoices, and no files of earlier tests."""
    _remove_files(settings.storage_dir)
    assert erp.post("/api/sales/import/invoice/", json=a_sale()).status_code == 201
    assert client_as("warehouse").post("/api/suppliers", json={"name": "Mill"}).status_code == 201
    create_issued(owner)
    with unit_of_work():
        printed = update(EinvoicePdf).values(state="done", path="einvoices/0/1-a.pdf", sha256="0" * 64)
        assert db.session.execute(printed).rowcount == 1
    contents = {"einvoices/0/1-a.pdf": b"%PDF-1", "einvoices/1/Ürün 2.pdf": b"x" * 70_000, "empty": b""}
    for name, content in contents.items():
        path = settings.storage_dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    audit.recorder.flush()  # the call log of the requests above must be stored before rows are compared
    yield settings.storage_dir
    _remove_files(settings.storage_dir)


def _remove_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()


@pytest.fixture
def empty(app_with: Callable[..., Hub], settings: Settings, tmp_path: Path) -> Iterator[Hub]:
    """A second installation with its own empty database and storage folder."""
    name = f"restored_{uuid.uuid4().hex}"
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    url = sa.make_url(settings.database_url).set(database=name).render_as_string(hide_password=False)
    other = app_with(database_url=url, storage_dir=tmp_path / "elsewhere")
    yield other
    close_connections(other)
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
