"""Check of the chain of a package: roots, records, further records with their proofs, sealed contents."""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta
from typing import Any

from app.evidence.offline.hash_trees import (
    FORMAT,
    NO_HASH,
    RECORD,
    STATEMENT,
    commitment,
    leaf_hash,
    parse,
    parse_as,
    root_by_proof,
    tree_root,
)
from app.evidence.offline.package_reader import Package

#: Kinds of records that state the issue of a document, and those whose sealed content is not part of a package.
ISSUES, KEPT_ELSEWHERE = ("issued", "recorded_late"), ("delivery",)
ROOTS, RECORDS, FURTHER, SEALED = (f"chain/{name}.jsonl" for name in ("roots", "records", "further", "sealed"))
#: Folders of the time stamps, and of files that are no PDFs: below it is one for each format.
STAMPS, DOCUMENTS = "timestamps/", "documents/"
_PERIOD = re.compile(r"(\d{4})-(\d\d)")


class Chain:
    """What the chain of a package states; ``findings`` says what was changed, ``notes`` what else there is to know."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.findings: list[str] = []
        self.notes: list[str] = []
        self.manifest: dict[str, Any] = {}
        self.roots: dict[str, dict[str, Any]] = {}
        #: By day: SHA-256 of the statement of its root, which is what an authority stamps.
        self.statements: dict[str, str] = {}
        #: By day: hash of the statement, which the next statement has.
        self.statement_hashes: dict[str, str] = {}
        self.hashes: dict[int, str] = {}
        self.days: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.sealed: dict[int, str] = {}
        #: By the id of the e-invoice: facts of its issue; and by format too: position and facts of its last artefact.
        self.issues: dict[int, dict[str, Any]] = {}
        self.artefacts: dict[tuple[int, str], tuple[int, dict[str, Any]]] = {}
        self.cancelled: set[int] = set()
        #: Documents that a correction replaced; by id too: the position of the record that says so, or the opposite.
        self.corrected: set[int] = set()
        self.corrected_at: dict[int, int] = {}
        #: By hash of a file or position of a record: why and when it was removed.
        self.removed: dict[Any, str] = {}
        self.begun = ""
        #: Contents by the position of their record.
        self.contents: dict[int, dict[str, Any]] = {}

    def report(self, finding: str) -> None:
        """Note that something was changed."""
        self.findings.append(finding)

    def remark(self, note: str) -> None:
        """Note what else there is to know."""
        self.notes.append(note)

    def name(self, position: int) -> str:
        """A record as a person knows it."""
        return f"Record {position} ({self.names.get(position) or 'unknown'})"

    def read_manifest(self) -> None:
        """Read what the package has."""
        if "manifest.json" not in self.package.names:
            self.report("manifest.json is missing: nothing says what the package must have.")
        with self.package.open("manifest.json") as file:
            self.manifest = parse(file.read())
        if self.manifest.get("v") != FORMAT:
            self.report(f"manifest.json names no format that this verifier knows: it knows {FORMAT}.")

    def read_roots(self) -> None:
        """Check that the statements of the roots are linked."""
        before: dict[str, Any] = {"last": 0, "day": ""}
        prev = NO_HASH
        for number, raw in enumerate(self.package.lines(ROOTS), 1):
            root = parse_as(raw, STATEMENT)
            if not root:
                self.report(f"Line {number} of {ROOTS} is no statement of a root: it was changed.")
                continue
            follows = root["first"] == before["last"] + 1 and root["last"] >= root["first"]
            if root["prev"] != prev or not follows or root["day"] <= before["day"]:
                where = f"{before['day'] or 'the beginning'} and {root['day']}"
                self.report(f"The roots of {where} are not linked: one was changed, moved, added or removed.")
            if root["chain"] != self.manifest["chain"]:
                self.report(f"The root of {root['day']} belongs to another chain.")
            self.roots[root["day"]], before, prev = root, root, leaf_hash(raw)
            self.statements[root["day"]], self.statement_hashes[root["day"]] = hashlib.sha256(raw).hexdigest(), prev
        if prev != self.manifest["last_root"]:
            self.report("The last root was changed or removed: the manifest names another one.")

    def read_records(self) -> None:
        """Check that the records follow each other without gap, and that each has the hash of the one before."""
        expected: int = self.manifest["from"]
        prev = self._hash_before(expected)
        for number, raw in enumerate(self.package.lines(RECORDS), 1):
            record = parse_as(raw, RECORD)
            position = record.get("position", expected)
            if not record:
                self.report(f"Line {number} of {RECORDS} is no record: record {expected} was changed.")
            elif position < expected:
                self.report(f"Record {position} stands twice or in a wrong place.")
                continue
            elif position > expected:
                self.report(f"{_range(expected, position - 1)} missing.")
            elif record["prev"] != prev:
                self.report(f"{self.name(position - 1)} or record {position} was changed: they are not linked.")
            prev, expected = leaf_hash(raw), position + 1
            self.hashes[position], self.days[position] = prev, record.get("at", "")[:10]
            self._keep(position, record)
        if expected <= self.manifest["to"]:
            self.report(f"{_range(expected, self.manifest['to'])} missing at the end.")
        elif prev != self.manifest["head"]:
            self.report(f"{self.name(expected - 1)} was changed: the manifest names another hash.")

    def _hash_before(self, first: int) -> str:
        heads = [root["head"] for root in self.roots.values() if root["last"] == first - 1]
        return heads[0] if heads else str(self.manifest["before"])

    def _keep(self, position: int, record: dict[str, Any]) -> None:
        if not record:
            return
        kind, facts, einvoice = record["kind"], record["facts"], record.get("einvoice", 0)
        self.names[position] = f"{kind} {facts.get('invoice_no') or ''}".strip()
        if record["chain"] != self.manifest["chain"]:
            self.report(f"{self.name(position)} belongs to another chain.")
        is_outside = position not in self.hashes
        if "sealed" in record and kind not in KEPT_ELSEWHERE and (kind in ISSUES or not is_outside):
            self.sealed[position] = record["sealed"]
        if kind in ISSUES:
            self.issues[einvoice] = {**facts, "position": position}
        elif kind == "artefact" and position > self.artefacts.get((einvoice, facts["format"]), (0, {}))[0]:
            self.artefacts[einvoice, facts["format"]] = (position, facts)
        elif kind == "cancelled":
            self.cancelled.add(einvoice)
        elif kind in ("corrected", "correction_cancelled") and position > self.corrected_at.get(einvoice, 0):
            self.corrected_at[einvoice] = position
            (self.corrected.add if kind == "corrected" else self.corrected.discard)(einvoice)
        elif kind == "begun":
            self.begun = record["at"]
        elif kind == "removed":
            what = facts.get("sha256") or facts.get("position")
            self.removed[what] = f"removed by {facts.get('reason')} on {record['at'][:10]}"

    def check_days(self) -> None:
        """Check that the package has all records of each day of its period, and that they have the root of the day."""
        covered, first, last = 0, self.manifest["from"], self.manifest["to"]
        begin, end = days_of(self.manifest["period"])
        for day, root in self.roots.items():
            covered = root["last"]
            if begin <= day <= end or (root["first"] <= last and root["last"] >= first):
                self._check_day(day, root, first, last)
        if covered + 1 < first:
            self.remark(f"{_range(covered + 1, first - 1)} not in the package, and no root links them to the others.")
        if last > covered and last >= first:
            self.remark(f"{_range(max(covered + 1, first), last)} under no root yet: only their links prove them.")

    def _check_day(self, day: str, root: dict[str, Any], first: int, last: int) -> None:
        if root["first"] < first:
            self.report(f"{_range(root['first'], min(root['last'], first - 1))} cut off: the root of {day} has more.")
        if root["last"] > last:
            self.report(f"{_range(max(root['first'], last + 1), root['last'])} cut off: the root of {day} has more.")
        if not self.has_records_of(root):
            return
        positions = range(root["first"], root["last"] + 1)
        hashes = [self.hashes[position] for position in positions if position in self.hashes]
        if tree_root(hashes) != root["root"] or hashes[-1:] != [root["head"]]:
            self.report(f"Records {root['first']} to {root['last']} do not have the root of {day}.")
        for position in positions:
            if self.days.get(position, day) != day:
                self.report(f"{self.name(position)} has another date: it belongs to {day}.")

    def has_records_of(self, root: dict[str, Any]) -> bool:
        """Whether the part of the chain in the package has the whole day of a root."""
        return bool(self.manifest["from"] <= root["first"] and root["last"] <= self.manifest["to"])

    def read_further(self) -> None:
        """Check the proofs of records outside of the part of the chain that the package has."""
        covered = max((root["last"] for root in self.roots.values()), default=0)
        part = range(self.manifest["from"], self.manifest["to"] + 1)
        for number, raw in enumerate(self.package.lines(FURTHER), 1):
            line = parse(raw)
            text = str(line.get("record"))
            record = parse_as(text, RECORD)
            if not record:
                self.report(f"Line {number} of {FURTHER} was changed.")
                continue
            position, proof = record["position"], line.get("proof")
            self._keep(position, record)
            if proof is None and position > covered and position not in part:
                self.remark(f"{self.name(position)} is under no root yet: nothing proves it so far.")
            elif not self._is_proven(position, leaf_hash(text.encode()), proof):
                self.report(f"{self.name(position)} was changed: its proof does not lead to a root.")

    def _is_proven(self, position: int, found: str, proof: Any) -> bool:
        try:
            root, index = self.roots[proof["day"]], proof["index"]
            size, path = root["last"] - root["first"] + 1, proof["path"]
            is_there = proof["size"] == size and root["first"] + index == position
            return bool(is_there and root_by_proof(found, index, size, path) == root["root"])
        except (KeyError, TypeError):
            return False

    def read_sealed(self) -> None:
        """Check the sealed contents against the hashes in their records."""
        seen = set()
        for number, raw in enumerate(self.package.lines(SEALED), 1):
            line = parse(raw)
            position = line.get("position")
            if position not in self.sealed or position in seen:
                self.report(f"Line {number} of {SEALED} belongs to no record.")
                continue
            seen.add(position)
            if commitment(line.get("salt"), line.get("content")) != self.sealed[position]:
                self.report(f"The sealed content of record {position} ({self.names[position]}) was changed.")
            elif self.names[position].startswith(ISSUES):
                self.contents[position] = parse(line["content"])
        for position in sorted(self.sealed.keys() - seen):
            if position in self.removed:
                self.remark(f"The content of record {position} was {self.removed[position]}.")
            else:
                self.report(f"The sealed content of record {position} ({self.names[position]}) is missing.")


def days_of(period: str) -> tuple[str, str]:
    """First and last day of the part of a month: one day more on each side, for all time zones.

    Raises:
        ValueError: ``period`` is no month such as 2026-11.
    """
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise ValueError(f"{period} is no month")
    start = date(int(found[1]), int(found[2]), 1)
    return str(start - timedelta(days=1)), str((start + timedelta(days=31)).replace(day=1))


def _range(first: int, last: int) -> str:
    return f"Record {first} is" if first == last else f"Records {first} to {last} are"
