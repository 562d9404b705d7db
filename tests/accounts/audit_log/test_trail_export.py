"""Export of the audit trail: CSV and JSON lines, filters, scope, its own entry."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.audit_log import trail_export
from app.extensions import db
from app.kernel import json
from app.kernel.unit_of_work import unit_of_work
from tests.accounts.audit_log.test_api import read, record

EXPORT = "/api/v1/audit/export"


@pytest.fixture
def reader(client_as: Callable[..., FlaskClient]) -> FlaskClient:
    client = client_as("admin")
    with unit_of_work():
        db.session.execute(text("DELETE FROM audit_entries"))
    return client


def test_json_lines_are_the_entries_of_the_log(reader: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_export, "MAX_ENTRIES", 2)
    record("a.first", "a.second", "a.third", "b.fourth", "a.fifth", name="Çağrı")
    answer = reader.get(EXPORT, query_string={"format": "jsonl", "after": 1, "action": "a.*"})
    assert (answer.status_code, answer.mimetype) == (200, "application/jsonl")
    lines = [json.decode(line) for line in answer.data.splitlines()]
    assert [line["action"] for line in lines] == ["a.second", "a.third", "a.fifth"]
    assert lines == read(reader, after=1, action="a.*")["data"]


def test_a_csv_computes_nothing_in_a_spreadsheet(reader: FlaskClient) -> None:
    record("user.created", name="Ajay", subject="=1+1")
    answer = reader.get(EXPORT)
    row, export = csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig")))
    assert export["action"] == "audit.exported"
    assert (row["position"], row["action"], row["subject"]) == ("1", "user.created", "'=1+1")
    assert row["details"] == '{"name":"Ajay"}'
    assert answer.headers["Content-Disposition"].endswith('.csv"')


def test_an_export_is_an_entry_itself(reader: FlaskClient) -> None:
    reader.get(EXPORT, query_string={"actor": "user:5"})
    [entry] = read(reader)["data"]
    assert (entry["action"], entry["details"]["filters"]) == ("audit.exported", {"actor": "user:5", "after": "0"})


def test_others_export_what_concerns_them(reader: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
    record("user.created", subject="user:70000")
    assert b"user:70000" in reader.get(EXPORT).data
    other = client_as("integrator")
    assert b"user:70000" not in other.get(EXPORT).data
    assert other.get(EXPORT, query_string={"format": "pdf"}).status_code == 422
    assert client_as("warehouse").get(EXPORT).status_code == 403
