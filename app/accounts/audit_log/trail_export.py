"""Export of the audit trail as CSV or JSON lines, in short transactions; no connection is held between two blocks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask import Flask

from app.accounts.audit_log import entries
from app.accounts.audit_log.schemas import MAX_ENTRIES, AuditEntrySchema
from app.accounts.models.accounts import AuditEntry
from app.accounts.ownership import Scope
from app.kernel import clock, json
from app.kernel.text.csv_formulas import guard_formulas

COLUMNS = ("position", "created_at", "actor", "action", "subject", "address", "request_id", "details")
_schema = AuditEntrySchema()


def as_jsonl(app: Flask, query: Mapping[str, Any], scope: Scope) -> Iterator[bytes]:
    """The entries as JSON lines, each as the log has it."""
    for page in _pages(app, query, scope):
        yield b"".join(json.encode(_schema.dump(entry)) + b"\n" for entry in page)


def as_csv(app: Flask, query: Mapping[str, Any], scope: Scope) -> Iterator[bytes]:
    """The entries as CSV (RFC 4180, UTF-8 with a byte order mark); no text of it is computed by a spreadsheet."""
    yield b"\xef\xbb\xbf" + _csv([COLUMNS])
    for page in _pages(app, query, scope):
        yield _csv([[_cell(getattr(entry, name)) for name in COLUMNS] for entry in page])


def _pages(app: Flask, query: Mapping[str, Any], scope: Scope) -> Iterator[Sequence[AuditEntry]]:
    """The entries up to the last one of the moment of the first page."""
    after, end = query["after"], None
    while end is None or after < end:
        with app.app_context():
            found = entries.read_after({**query, "after": after, "limit": MAX_ENTRIES}, scope=scope)
        end, after = found.head if end is None else end, found.next_after
        yield [entry for entry in found.entries if (entry.position or 0) <= end]


def _cell(value: Any) -> Any:
    if isinstance(value, dict):
        return guard_formulas(json.encode_text(value))
    if isinstance(value, str):
        return guard_formulas(value)
    return clock.iso(value) if hasattr(value, "isoformat") else value


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
