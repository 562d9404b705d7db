"""Helpers of the e-invoice tests: call the API, and read e-invoices, their events, PDFs and sendings."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from pypdf import PdfReader
from sqlalchemy import select

from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers.clients import ADAPTERS
from app.events.models import Event
from app.extensions import db
from app.kernel import json
from tests.factories import a_draft

URL = "/api/v1/einvoices"
MODULE = "feature.einvoice_api"
#: A valid status report.
SAMPLE = {"provider_status": "accepted", "provider_invoice_id": "PRV-999", "raw": {"provider_message": "OK"}}
#: Seconds after which a change is visible by ``updated_since`` when no other change is in progress.
SETTLE_SECONDS = 0.08


def set_adapter(patch: pytest.MonkeyPatch, name: str, **functions: Any) -> None:
    """Replace functions (``send``, ``look_up``) of an adapter."""
    patch.setitem(ADAPTERS, name, dataclasses.replace(ADAPTERS[name], **functions))  # type: ignore[arg-type]


def create_draft(client: FlaskClient, **facts: Any) -> dict[str, Any]:
    """Create a draft."""
    answer = client.post(URL, json=a_draft(**facts))
    assert answer.status_code == 201, answer.json
    return answer.json


def create_issued(client: FlaskClient, **facts: Any) -> dict[str, Any]:
    """Create and issue an e-invoice."""
    return perform(client, create_draft(client, **facts)["id"], "issue")


def perform(client: FlaskClient, einvoice_id: int, action: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    """Perform an action (``issue``, ``send``, …) that must succeed."""
    answer = client.post(f"{URL}/{einvoice_id}/{action}", json=body)
    assert answer.status_code in {200, 201, 202}, answer.json
    return answer.json


def pdf_text(content: bytes) -> str:
    """The text of all pages with single spaces."""
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


def events_of(einvoice_id: int) -> list[dict[str, Any]]:
    """Emitted events of an e-invoice: type, owner and data, oldest first."""
    with db.engine.connect() as connection:
        rows = connection.execute(select(Event.type, Event.body, Event.owner_id).order_by(Event.id)).all()
    bodies = [(row.type, json.decode(row.body), row.owner_id) for row in rows if row.type.startswith("einvoice.")]
    return [{"type": t, "owner": o, **b["data"]} for t, b, o in bodies if b["data"]["einvoice"]["id"] == einvoice_id]


def fetch_pdf(client: FlaskClient, einvoice_id: int, **headers: str) -> Any:
    return client.get(f"{URL}/{einvoice_id}/pdf", headers=headers, buffered=True)


def png_logo() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (40, 20), "red").save(file, "PNG")
    return file.getvalue()


def list_page(client: FlaskClient, **query: Any) -> dict[str, Any]:
    answer = client.get(URL, query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


def page_ids(page: dict[str, Any]) -> list[int]:
    return [row["id"] for row in page["data"]]


def fetch_detail(client: FlaskClient, einvoice_id: int) -> dict[str, Any]:
    return client.get(f"{URL}/{einvoice_id}?include_events=1").json


def reports_of(detail: dict[str, Any]) -> list[dict[str, Any]]:
    """Payloads of the recorded status reports of an e-invoice."""
    return [event["payload"] for event in detail["events"] if event["type"] == "provider_status_updated"]


def stored_sendings() -> list[Any]:
    with db.engine.connect() as connection:
        return list(connection.execute(select(EinvoiceSending.__table__).order_by(EinvoiceSending.id)))
