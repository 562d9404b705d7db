"""A package whose writer also changed the manifest and the lists: what is cut off is found by the roots."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.evidence.offline.verify_command import verify
from app.evidence.record_bytes import NO_HASH, canonical, leaf_hash
from app.kernel import json
from tests.einvoices.exports.packages import PERIOD, Files, Folder, Month, check

RECORDS, ROOTS, SEALED, LIST = "chain/records.jsonl", "chain/roots.jsonl", "chain/sealed.jsonl", "documents.csv"


def sign(files: Files, **facts: Any) -> Files:
    """The files with a manifest that agrees with them."""
    manifest = json.decode(files["manifest.json"])
    hashes = {name: hashlib.sha256(files[name]).hexdigest() for name in manifest["files"] if name in files}
    return {**files, "manifest.json": canonical({**manifest, **facts, "files": hashes})}


def listed(files: Files) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(files[LIST].decode("utf-8-sig"), newline="")))


def write_list(files: Files, rows: list[dict[str, str]]) -> Files:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, listed(files)[0].keys())
    writer.writeheader()
    writer.writerows(rows)
    return {**files, LIST: text.getvalue().encode()}


def cut(files: Files, first: int, last: int) -> Files:
    """Only the records ``first`` to ``last``, and what agrees with them."""
    lines = [line for line in files[RECORDS].splitlines() if first <= json.decode(line)["position"] <= last]
    sealed = [line for line in files[SEALED].splitlines() if first <= json.decode(line)["position"] <= last]
    records = [json.decode(line) for line in lines]
    ids = {str(record["einvoice"]) for record in records if record["kind"] == "issued"}
    rows = [row for row in listed(files) if row["id"] in ids]
    gone = [row["invoice_no"] for row in listed(files) if row["id"] not in ids]
    kept = {name: content for name, content in files.items() if not any(number in name for number in gone)}
    joined = {RECORDS: b"".join(line + b"\n" for line in lines), SEALED: b"".join(line + b"\n" for line in sealed)}
    part: dict[str, Any] = {"from": 1, "to": 0, "before": NO_HASH, "head": NO_HASH}
    if lines:
        part = {"from": first, "to": last, "before": records[0]["prev"], "head": leaf_hash(lines[-1])}
    return sign(write_list({**kept, **joined}, rows), **part)


@pytest.mark.slow
def test_any_cut_of_the_records_is_named(month: Month) -> None:
    count = month.files[RECORDS].count(b"\n")
    assert check(cut(month.files, 1, count), month.known).findings == []

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.integers(1, count), st.integers(0, count))
    def holds(first: int, last: int) -> None:
        faults = check(cut(month.files, first, last), month.known).findings
        assert (first, last) == (1, count) or any("cut off: the root of" in fault for fault in faults)

    holds()


def test_roots_that_were_cut_off_are_named_by_those_that_somebody_kept(month: Month) -> None:
    for count in range(3):
        lines = month.files[ROOTS].splitlines()[:count]
        days = {json.decode(line)["day"] for line in lines}
        files = {name: c for name, c in month.files.items() if "timestamps/" not in name or name[11:21] in days}
        files[ROOTS] = b"".join(line + b"\n" for line in lines)
        changed = sign(files, last_root=leaf_hash(lines[-1]) if lines else NO_HASH)
        faults = check(changed, month.known).findings
        absent = sorted(set(month.known) - days)
        assert [fault[12:22] for fault in faults] == absent
        assert all("were cut off" in fault for fault in faults)
        early = sign(changed, created_at=f"{absent[0]}T12:00:00.000000Z")
        checked = check(early, month.known)
        assert checked.findings == []
        assert len([note for note in checked.notes if "is newer than the package" in note]) == len(absent)


def test_a_kept_statement_is_compared_as_a_whole(month: Month) -> None:
    statements = [json.decode(line) for line in month.files[ROOTS].splitlines()]
    assert verify(Folder(month.files), statements=statements).findings == []
    for name in ("prev", "head", "root"):
        kept = [{**statements[-1], name: "0" * 64}]
        [fault] = verify(Folder(month.files), statements=kept).findings
        assert "is not the one that you kept" in fault
    other = [{**statements[-1], "chain": "another"}]
    [fault] = verify(Folder(month.files), statements=other).findings
    assert fault.startswith("None of the roots that you kept is of this chain")


def test_the_hash_of_a_statement_is_a_kept_root_too(month: Month) -> None:
    line = month.files[ROOTS].splitlines()[-1]
    assert check(month.files, {json.decode(line)["day"]: leaf_hash(line)}).findings == []


def test_another_period_is_named(month: Month) -> None:
    assert check(sign(month.files, period="2031-01"), month.known).findings
    assert check(sign(month.files, period=PERIOD[:6]), month.known).findings
    [fault, *_] = check(sign(month.files, v=2)).findings
    assert "names no format that this verifier knows" in fault


CELLS = {
    "corrected": "yes",
    "is_test": "yes",
    "original_no": "EA-1",
    "marketplace_order_no": "X-1",
    "buyer_tax_id": "1234567890",
    "grand_total": "1",
    "status": "cancelled",
}


@pytest.mark.parametrize("column", CELLS)
def test_a_changed_cell_is_named_although_the_manifest_agrees(month: Month, column: str) -> None:
    rows = listed(month.files)
    rows[2][column] = CELLS[column]
    faults = check(sign(write_list(month.files, rows))).findings
    assert f"{rows[2]['invoice_no']}: {column} in documents.csv is not what the chain states." in faults


def test_a_record_without_proof_does_not_stand_in_for_one_of_the_part(month: Month) -> None:
    last = json.decode(month.files[RECORDS].splitlines()[-1])
    files = {**month.files, ROOTS: b""}
    files = {name: content for name, content in files.items() if not name.startswith("timestamps/")}
    forged = canonical({**last, "kind": "cancelled", "facts": {}, "einvoice": 3}).decode()
    files["chain/further.jsonl"] = canonical({"record": forged, "proof": None}) + b"\n"
    faults = check(sign(files, last_root=NO_HASH)).findings
    assert any("its proof does not lead to a root" in fault for fault in faults)
