"""Helpers of the stream tests: a reader of streamed answers, and sales invoices that cause events."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

from flask.testing import FlaskClient
from sqlalchemy import update
from werkzeug.test import TestResponse

from app import events
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from app.sales.floor import available_steps
from app.sales.floor.history import Actor
from app.sales.models.invoices import SalesInvoice
from app.stream.broadcaster import broadcaster
from tests.factories import a_sale

SALES_STREAM = "/api/sales/sse/invoices/"
ClientWith = Callable[[str], FlaskClient]
Relayed = Callable[[], int]


class Reader:
    """Reads the frames of a streamed answer, one at a time."""

    def __init__(self, answer: TestResponse) -> None:
        assert answer.status_code == 200, answer.get_data()
        self.answer = answer
        self._chunks: Iterator[bytes] = answer.iter_encoded()
        self._text = ""
        self.next_comment()  # the stream is open after its first keep-alive

    def next_line(self) -> str:
        while "\n" not in self._text:
            self._text += next(self._chunks).decode()
        line, _, self._text = self._text.partition("\n")
        return line

    def next_comment(self) -> str:
        """The next comment; fails if an event comes first."""
        while not (line := self.next_line()).startswith(":"):
            assert line.startswith("retry:"), line
        return line

    def next(self) -> dict[str, str]:
        """The fields of the next event. It has data: clients dispatch an event at each blank line."""
        fields: dict[str, str] = {}
        while line := self.next_line():
            name, _, value = line.partition(": ")
            if name not in {"", "retry"}:
                fields[name] = value
        assert "data" in fields, fields
        return fields


def wait_until_caught_up() -> None:
    """Wait for the broadcaster of this process, so that a new reader gets no earlier events."""
    deadline = time.monotonic() + 10
    while broadcaster._pid == os.getpid() and broadcaster._head < events.last_position():
        assert time.monotonic() < deadline, "the broadcaster did not catch up"
        db.session.rollback()
        time.sleep(0.01)


def import_sale(erp: FlaskClient, number: str) -> None:
    assert erp.post("/api/sales/import/invoice/", json=a_sale(invoice_no=number)).status_code == 201


def put_in_review(invoice_no: str) -> None:
    with unit_of_work():
        db.session.execute(update(SalesInvoice).where(SalesInvoice.invoice_no == invoice_no).values(status="PACKING"))
    with unit_of_work():
        available_steps.perform(
            "billing.return", {"invoice_no": invoice_no, "return_reason": "Wrong batch"}, Actor("Asha")
        )
