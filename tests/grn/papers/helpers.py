"""Helpers for tests of the PDFs of goods receipts."""

from __future__ import annotations

import io
from typing import Any

from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from app.extensions import db
from app.grn.models.papers import ReceiptPdf
from tests.factories import a_receipt
from tests.grn.helpers import json_body
from tests.object_stores import stored_paths

INVOICES = "/api/invoices"


def create_receipt(clerk: FlaskClient, *items: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return json_body(clerk.post(INVOICES, json=a_receipt(*items, **facts)), 201)


def get_pdf(clerk: FlaskClient, receipt: dict[str, Any], kind: str = "note", **headers: str) -> Any:
    return clerk.get(f"{INVOICES}/{receipt['id']}/{kind}.pdf", headers=headers, buffered=True)


def extract_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages)


def print_row(receipt: dict[str, Any], kind: str = "note") -> Any:
    table = ReceiptPdf.__table__
    with db.engine.connect() as connection:
        query = select(table).where(table.c.receipt_id == receipt["id"], table.c.kind == kind)
        return connection.execute(query).one_or_none()


def pdf_files() -> list[str]:
    return [path for path in stored_paths() if path.endswith(".pdf")]
