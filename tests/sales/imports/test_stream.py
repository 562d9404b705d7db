"""Imports of many invoices: what a report keeps."""

from __future__ import annotations

import pytest

from app.kernel.http.app import Hub
from app.sales.files import json_stream
from app.sales.imports.stream import import_stream


@pytest.mark.parametrize("text", [b"x" * 9_000_000, b'[{"remarks":"' + b"x" * 9_000_000], ids=["lines", "array"])
def test_a_report_keeps_no_text_of_a_broken_stream(app: Hub, text: bytes) -> None:
    """A traceback keeps the parts of the unfinished invoice: 60 such requests took 280 MiB."""
    split = json_stream.elements if text.startswith(b"[") else json_stream.lines
    report = import_stream(split([text[:8_000_000], text[8_000_000:]]), created_user_id=None)
    assert isinstance(report.fault, json_stream.Broken)
    assert report.fault.__traceback__ is None
