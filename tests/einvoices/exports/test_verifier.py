"""The offline verifier finds and names every change of a stored PDF, a record, a root or a list."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.evidence.merkle import MerkleTree
from app.evidence.offline.package_reader import Package
from app.evidence.offline.verify_command import verify
from app.evidence.record_bytes import canonical, leaf_hash
from app.kernel import json
from tests.einvoices.exports.packages import Change, Files, Month, change_lines, check, unpack

RECORDS, ROOTS, SEALED = "chain/records.jsonl", "chain/roots.jsonl", "chain/sealed.jsonl"
many = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def flip(content: bytes, place: int) -> bytes:
    """The content with one bit changed."""
    place %= len(content)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


@pytest.mark.slow
def test_any_flipped_byte_is_found_and_its_file_named(month: Month) -> None:
    guarded = [name for name, content in month.files.items() if content and name != "manifest.json"]

    @many
    @given(st.sampled_from(guarded), st.integers(0, 10**9))
    def holds(name: str, place: int) -> None:
        faults = check({**month.files, name: flip(month.files[name], place)}).findings
        assert faults
        if name.endswith((".pdf", ".csv", ".tsr")) or name.startswith("documents/"):
            assert any(name in fault for fault in faults), faults

    holds()


ROW_CHANGES: dict[str, Callable[[list[bytes], int, int], list[bytes]]] = {
    "drop": lambda lines, one, _: lines[:one] + lines[one + 1 :],
    "swap": lambda lines, one, other: [
        lines[other if i == one else one if i == other else i] for i in range(len(lines))
    ],
    "insert": lambda lines, one, other: [*lines[:one], lines[other], *lines[one:]],
    "reverse": lambda lines, _, __: lines[::-1],
    "truncate": lambda lines, one, _: lines[:one],
    "truncate in a line": lambda lines, one, _: [*lines[:one], lines[one][: len(lines[one]) // 2]],
}


@pytest.mark.slow
@pytest.mark.parametrize("how", ROW_CHANGES)
def test_any_changed_order_of_rows_is_found(month: Month, how: str) -> None:
    @many
    @given(st.sampled_from([RECORDS, ROOTS]), st.data())
    def holds(name: str, data: st.DataObject) -> None:
        size = month.files[name].count(b"\n")
        one = data.draw(st.integers(0, size - 1))
        other = data.draw(st.integers(0, size - 1).filter(lambda value: value != one))
        changed = change_lines(month.files, name, lambda lines: ROW_CHANGES[how](lines, one, other))
        assert check(changed).findings

    holds()


def edit(number: int, **values: object) -> Change:
    """Change keys of the record on a line, keeping the canonical form."""

    def change(lines: list[bytes]) -> list[bytes]:
        lines[number] = canonical({**json.decode(lines[number]), **values}) + b"\n"
        return lines

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edit(4, at="2020-01-01T00:00:00.000000Z"), "has another date"),
        (lambda lines: lines[:4] + lines[5:], "Record 5 is missing."),
        (lambda lines: lines[:-2], "are missing at the end"),
        (lambda lines: [*lines[:4], lines[3], *lines[4:]], "Record 4 stands twice or in a wrong place."),
        (edit(4, kind="queued"), "Record 5 (queued) or record 6 was changed"),
        (lambda lines: [*lines[:4], b"{}\n", *lines[5:]], "record 5 was changed"),
    ],
)
def test_a_changed_record_is_named(month: Month, change: Change, said: str) -> None:
    faults = check(change_lines(month.files, RECORDS, change)).findings
    assert any(said in fault for fault in faults), faults


def test_changed_files_are_named(month: Month) -> None:
    first, second = (f"pdf/{number}.pdf" for number in month.numbers[:2])
    files = month.files
    swapped = {**files, first: files[second], second: files[first]}
    assert check(swapped).findings == [
        f"{first} was changed: it is the file of {month.numbers[1]}.",
        f"{second} was changed: it is the file of {month.numbers[0]}.",
    ]
    missing = {name: content for name, content in files.items() if name != first}
    assert [fault[: len(first) + 12] for fault in check(missing).findings] == [f"{first} is missing:"]
    [cut] = check({**files, first: files[first][:-1]}).findings
    assert cut.startswith(f"{first} was changed")
    assert check({**files, "pdf/EA-1.pdf": b"x"}).findings == ["pdf/EA-1.pdf does not belong to the package."]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b",cancelled,", b",issued,", "status"),
        (b",sale,", b",return,", "type"),
        (b",TRY,", b",EUR,", "currency"),
    ],
)
def test_changed_lists_are_named(month: Month, old: bytes, new: bytes, said: str) -> None:
    files = {**month.files, "documents.csv": month.files["documents.csv"].replace(old, new, 1)}
    faults = check(files).findings
    assert any(f": {said} in documents.csv is not what the chain states" in fault for fault in faults), faults


def test_a_document_that_is_left_out_or_added_is_named(month: Month) -> None:
    left_out = change_lines(month.files, "documents.csv", lambda lines: lines[:2] + lines[3:])
    assert f"{month.numbers[1]} was issued, and documents.csv does not have it." in check(left_out).findings
    more = change_lines(
        month.files, "documents.csv", lambda lines: [*lines, lines[-1].replace(b"7,EA", b"77,EA").replace(b"7,", b"8,")]
    )
    assert any("has no record of its issue" in fault or "twice" in fault for fault in check(more).findings)


def test_vat_is_added_up_again(month: Month) -> None:
    header, first, *rest = month.files["vat.csv"].splitlines(keepends=True)
    cells = first.split(b",")
    cells[4] = b"0.01"
    faults = check({**month.files, "vat.csv": b"".join([header, b",".join(cells), *rest])}).findings
    assert any(fault.startswith("vat.csv: ") and "is not the sum" in fault for fault in faults)


def test_a_changed_sealed_content_is_named(month: Month) -> None:
    files = {**month.files, SEALED: month.files[SEALED].replace(b"wrong buyer", b"wrong price")}
    [fault] = check(files).findings
    assert fault.startswith("The sealed content of record")
    assert "(cancelled)" in fault


def rewrite(files: Files) -> Files:
    """A chain that was written again from the fourth record on, with all hashes, roots and the manifest."""
    records = [json.decode(line) for line in files[RECORDS].splitlines()]
    records[3]["facts"]["size"] = 1
    hashes: list[str] = []
    lines: list[bytes] = []
    for record in records:
        record["prev"] = hashes[-1] if hashes else record["prev"]
        lines.append(canonical(record))
        hashes.append(leaf_hash(lines[-1]))
    roots: list[bytes] = []
    for statement in map(json.decode, files[ROOTS].splitlines()):
        own = hashes[statement["first"] - 1 : statement["last"]]
        statement |= {"root": MerkleTree(own).root, "head": own[-1]}
        statement["prev"] = leaf_hash(roots[-1]) if roots else statement["prev"]
        roots.append(canonical(statement))
    manifest = json.decode(files["manifest.json"]) | {"head": hashes[-1], "last_root": leaf_hash(roots[-1])}
    changed = {RECORDS: lines, ROOTS: roots, "manifest.json": [canonical(manifest)]}
    return {**files, **{name: b"".join(line + b"\n" for line in new) for name, new in changed.items()}}


def test_a_chain_that_was_written_again_is_found_by_a_root_that_somebody_kept(month: Month) -> None:
    files = rewrite(month.files)
    without = [fault for fault in check(files).findings if "linked" in fault or "root" in fault]
    stamps = sorted(name for name in files if name.startswith("timestamps/"))
    days = [name[11:21] for name in stamps]
    # Its writer cannot get old time stamps for new roots, and has to leave them out.
    said = "is a time stamp of something else than the root of"
    assert without == [f"{name} {said} {day}." for name, day in zip(stamps, days, strict=True)]
    faults = check(files, month.known).findings
    first = min(month.known)
    assert f"The root of {first} is not the one that you kept: the chain was written again." in faults
    assert check(month.files, {"2020-01-01": "0" * 64}).findings == [
        "The root of 2020-01-01 that you kept is not in the package."
    ]


@pytest.mark.slow
def test_any_flipped_byte_of_the_archive_is_found_or_changes_no_content(month: Month, tmp_path: Path) -> None:
    place = tmp_path / "package.zip"

    @many
    @given(st.integers(0, 10**9))
    def holds(position: int) -> None:
        place.write_bytes(flip(month.content, position))
        try:
            package = Package(place)
        except zipfile.BadZipFile:
            return  # it cannot be opened
        assert verify(package).findings or unpack(place.read_bytes()) == month.files

    holds()


@pytest.mark.parametrize("manifest", [b"", b"{}", b"{", b"[]"])
def test_a_package_without_its_manifest_is_no_crash(month: Month, manifest: bytes) -> None:
    assert check({**month.files, "manifest.json": manifest}).findings


def test_a_file_that_is_twice_in_the_archive_is_named(month: Month, tmp_path: Path) -> None:
    archive = BytesIO(month.content)
    with zipfile.ZipFile(archive, "a") as opened, pytest.warns(UserWarning, match="Duplicate"):
        opened.writestr("vat.csv", b"x")
    place = tmp_path / "package.zip"
    place.write_bytes(archive.getvalue())
    assert "vat.csv is in the package twice." in verify(Package(place)).findings
