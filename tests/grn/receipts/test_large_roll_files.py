"""Large roll files: they are read in a child process, and one that is stopped leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.system.child_process import ChildLimits, ChildProcesses
from app.tables import uploads
from tests.grn.helpers import error_body, json_body, row_counts
from tests.tables.test_uploads import of_letters

FILE = "/api/invoices/1/fabric-items/26/rolls/file"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.mark.slow
def test_a_large_file_is_stored(clerk: FlaskClient) -> None:
    rows = "".join(f"R{number};{number},5;{'A' * 20}\n" for number in range(1, 3001))
    content = f"supplierRollNo;supplierLength;shade\n{rows}"
    assert len(content) > uploads.SMALL
    assert json_body(clerk.put(FILE, data=content, content_type="text/csv"))["rollCount"] == 3000
    answer = clerk.put(FILE, data=content + "R1;;\n", content_type="text/csv")
    [error] = error_body(answer, 400, 40001)["errors"]
    assert (error["field"], error["message"]) == ("row[3002].supplierRollNo", "Row 2 has the same roll number.")


@pytest.mark.slow
def test_a_file_that_is_stopped_stores_nothing(clerk: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    hasty = ChildProcesses(ChildLimits(seconds=20, cpu_seconds=1, memory=2**30, answer=2**20), running=1, waiting=1)
    monkeypatch.setattr(uploads, "_children", hasty)
    before = row_counts()
    answer = clerk.put(FILE, data=of_letters(4800), content_type=SHEET)
    assert "more than 20 seconds" in error_body(answer, 413, 41300)["message"]
    assert row_counts() == before


def test_no_connection_is_held_while_a_file_is_read(
    clerk: FlaskClient, connections_in_use: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []

    def note(*_args: Any) -> list[Any]:
        held.append(connections_in_use())
        return []

    monkeypatch.setattr(uploads, "read_rows", note)
    db.session.remove()
    assert clerk.put(FILE, data="supplierRollNo\nR1\n", content_type="text/csv").status_code == 400
    assert held == [0]


def test_the_places_for_large_files_are_shared_between_users(
    client_with: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = []

    def note(*_args: Any, owner: int | None) -> list[Any]:
        owners.append(owner)
        return []

    monkeypatch.setattr(uploads._children, "call", note)
    content = "supplierRollNo;supplierLength\n" + "R1;1\n" * 20_000
    first, second = client_with("grn:write"), client_with("grn:write")
    for client in (first, second):
        assert client.put(FILE, data=content, content_type="text/csv").status_code == 400
    assert owners[0] != owners[1]
    assert None not in owners
