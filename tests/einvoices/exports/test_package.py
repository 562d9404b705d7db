"""The package of a month: its files, its scope, and that its verifier runs without the hub."""

from __future__ import annotations

import ast
import csv
import io
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.evidence import roots
from app.evidence.verifier_file import verifier_source
from app.kernel import json
from tests.einvoices.exports.packages import BASE, EXPORTS, PERIOD, check, export, make_month, set_clock, unpack
from tests.einvoices.helpers import create_issued, fetch_pdf, perform
from tests.operations.cli.cli_helpers import stored_rows


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


@pytest.mark.slow
def test_a_package_has_all_documents_of_the_month(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = make_month(owner, monkeypatch)
    files = unpack(export(owner))
    listed = rows(files["documents.csv"])
    assert [row["invoice_no"] for row in listed] == numbers
    assert {row["type"]: row["original_no"] for row in listed} == {"sale": "", "credit_note": numbers[0]}
    assert [row["status"] for row in listed].count("cancelled") == 1
    assert {name for name in files if name.startswith("pdf/")} == {f"pdf/{number}.pdf" for number in numbers}
    assert files[f"pdf/{numbers[0]}.pdf"] == fetch_pdf(owner, int(listed[0]["id"])).data
    [series] = rows(files["series.csv"])
    assert (series["count"], series["cancelled"], series["gaps"]) == ("7", "1", "")
    checked = check(files, {})
    assert checked.findings == []
    assert len(checked.roots) == 3


@pytest.mark.slow
def test_the_verifier_runs_without_the_hub(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    make_month(owner, monkeypatch)
    package, script = tmp_path / "package.zip", tmp_path / "verify.py"
    package.write_bytes(export(owner))
    script.write_bytes(unpack(package.read_bytes())["verify.py"])
    kept = tmp_path / "roots.json"
    kept.write_bytes(json.encode(owner.get("/api/v1/evidence/roots").json))
    command = [sys.executable, "-I", "-S", str(script)]
    done = subprocess.run(
        [*command, str(package), "--known", str(kept)], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout.splitlines()[-1][:19]) == (0, "Nothing was changed"), done
    assert f"Package of {PERIOD}, made at" in done.stdout
    wrong = subprocess.run(
        [*command, str(package), "--root", f"{BASE:%Y-%m-%d}={'0' * 64}"], capture_output=True, text=True, check=False
    )
    assert (wrong.returncode, "the chain was written again" in wrong.stdout) == (1, True)
    assert subprocess.run([*command, str(kept)], capture_output=True, check=False).returncode == 2


def test_the_verifier_imports_the_standard_library_only() -> None:
    nodes = [node for node in ast.walk(ast.parse(verifier_source())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    assert {name.partition(".")[0] for name in names} <= sys.stdlib_module_names


def test_days_without_a_root_are_told(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    set_clock(monkeypatch, BASE)
    create_issued(owner)
    checked = check(unpack(export(owner)))
    assert checked.findings == []
    assert [note for note in checked.notes if "under no root yet" in note]
    assert [note for note in checked.notes if "no PDF had been made" in note]


@pytest.mark.slow
def test_a_document_that_was_cancelled_in_another_month_has_its_proof(
    owner: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_month(owner, monkeypatch)
    set_clock(monkeypatch, BASE + timedelta(days=40))
    later = create_issued(owner)
    perform(owner, int(rows(unpack(export(owner))["documents.csv"])[2]["id"]), "cancel", {"reason": "late"})
    set_clock(monkeypatch, BASE + timedelta(days=41))
    roots.seal_due()
    files = unpack(export(owner))
    assert check(files).findings == []
    assert files["chain/further.jsonl"].count(b"\n") == 1
    next_month = unpack(export(owner, f"{BASE + timedelta(days=40):%Y-%m}"))
    assert [row["invoice_no"] for row in rows(next_month["documents.csv"])] == [later["invoice_no"]]
    assert check(next_month).findings == []


def test_a_month_without_documents_is_a_package_too(owner: FlaskClient) -> None:
    files = unpack(export(owner, "2020-01"))
    assert (rows(files["documents.csv"]), check(files).findings) == ([], [])


@pytest.mark.parametrize("period", ["2026", "2026-13", "x", "2026-1", "1999-01"])
def test_a_wrong_period_is_refused(owner: FlaskClient, period: str) -> None:
    answer = owner.get(f"{EXPORTS}/{period}")
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["period"])


@pytest.mark.slow
def test_an_export_is_recorded_and_others_have_none(
    owner_as: Callable[..., FlaskClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other, admin = owner_as(), owner_as(), owner_as("admin")
    numbers = make_month(owner, monkeypatch)
    assert other.get(f"{EXPORTS}/{PERIOD}", query_string={"owner_id": owner.user_id}).status_code == 404
    assert rows(unpack(export(other))["documents.csv"]) == []
    listed = rows(unpack(export(admin, owner_id=owner.user_id))["documents.csv"])
    assert [row["invoice_no"] for row in listed] == numbers
    [*_, entry] = [row for row in stored_rows(AuditEntry) if row.action == "evidence.exported"]
    assert entry.subject == f"user:{owner.user_id}"
    assert entry.details == {"period": PERIOD, "documents": len(numbers)}
