"""Probe views for every API: one that echoes a payload, and ones that fail in every possible way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from flask.views import MethodView
from sqlalchemy import text

from app.accounts.guards import public
from app.config import Settings
from app.extensions import db
from app.kernel import errors
from app.kernel.http.app import ApiBlueprint, Hub
from app.kernel.schemas.fields import CalendarDate, Choice, Metadata, Number, Schema, Text, Timestamp
from tests.conftest import another_app, close_connections, restored_singletons

#: One path prefix per error envelope, and one without an own envelope.
SURFACES = ("/api/sales", "/api/invoices", "/api/v1/einvoices", "/nowhere")

_FAILING_STATEMENTS = {
    "unique": "INSERT INTO salesmen (name) VALUES ('Ajay'), ('Ajay')",
    "named-unique": (
        "INSERT INTO users (email, name, role, password_hash) "
        "VALUES ('a@b.c', 'A', 'admin', '-'), ('a@b.c', 'A', 'admin', '-')"
    ),
    "reference": "INSERT INTO sales_items (invoice_id, line_no, name, item_code, quantity, mrp, line_total) "
    "VALUES (1, 1, 'a', 'b', 1, 1, 1)",
    "check": "INSERT INTO users (email, name, role, password_hash) VALUES ('a@b.c', 'A', 'king', '-')",
    "too-long": "INSERT INTO customers (code, name) VALUES (repeat('x', 51), 'A')",
    "too-large": "SELECT 9223372036854775807 + 1",
    "cancelled": "SET LOCAL statement_timeout = 1; SELECT pg_sleep(5)",
    # As the server ends a transaction that does nothing.
    "idle": "DO $$ BEGIN RAISE EXCEPTION 'idle' USING ERRCODE = '25P03'; END $$",
    "programming": "SELECT nothing FROM nowhere",
}


class ProbeSchema(Schema):
    """One field of each type."""

    name = Text(5, blank=False)
    note = Text(10)
    count = Number(1, 1000)
    price = Number(0, "99999999.99", 2)
    day = CalendarDate(allow_none=True)
    level = Choice("LOW", "HIGH")
    extra = Metadata(data_key="metadata")
    at = Timestamp()


def fail(kind: str) -> Any:
    """Fail in the way that ``kind`` names."""
    if kind in _FAILING_STATEMENTS:
        return db.session.execute(text(_FAILING_STATEMENTS[kind]))
    if kind.startswith("driver-"):
        return db.session.connection().connection.execute(_FAILING_STATEMENTS[kind.removeprefix("driver-")])
    if kind == "crash":
        return Decimal("an internal secret")
    if kind == "full-disk":
        with Path("/dev/full").open("w") as file:
            file.write("x")
    if kind == "missing-file":
        Path("/an/internal/path").read_text()
    raise getattr(errors, kind)


def probe_blueprint(prefix: str) -> ApiBlueprint:
    """The probe views below ``prefix``."""
    blp = ApiBlueprint(f"probe{prefix.replace('/', '-')}", __name__, url_prefix=prefix)

    class Probe(MethodView):
        @public
        @blp.arguments(ProbeSchema)
        @blp.response(200, ProbeSchema)
        def post(self, data: dict[str, Any]) -> dict[str, Any]:
            return data

        @public
        @blp.arguments(ProbeSchema)
        @blp.response(200, ProbeSchema)
        def patch(self, data: dict[str, Any]) -> dict[str, Any]:
            return data

    class Failing(MethodView):
        @public
        def get(self, kind: str) -> Any:
            return fail(kind)

    blp.route("/probe/")(Probe)
    blp.route("/probe/<kind>")(Failing)
    return blp


@pytest.fixture(scope="session")
def probe_app(_migrated: Hub, settings: Settings) -> Iterator[Hub]:
    """An application with the probe views below every prefix."""
    with restored_singletons():
        other = another_app(replace(settings, max_body_bytes=64 * 1024))
    for prefix in SURFACES:
        other.register_blueprint(probe_blueprint(prefix))
    yield other
    close_connections(other)


@pytest.fixture
def probe(app: Hub, probe_app: Hub) -> FlaskClient:
    """A client of ``probe_app``."""
    return probe_app.test_client()
