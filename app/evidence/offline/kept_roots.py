"""Roots that somebody kept: reads them from files and arguments, and compares a package with them."""

from __future__ import annotations

import argparse
import re
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from app.evidence.offline.chain_check import ROOTS, Chain
from app.evidence.offline.hash_trees import STATEMENT, parse, parse_as
from app.evidence.offline.package_reader import Package

_HASH_OF_DAY = re.compile(r"(\d{4}-\d\d-\d\d)=([0-9a-f]{64})")

#: By this hour (UTC) the hub has made the root of the day before.
_HOUR_OF_ROOTS = "01"


def read_kept(place: Path) -> list[dict[str, Any]]:
    """Statements from a package, from its ``chain/roots.jsonl``, from an answer of the API, or from a mail.

    Raises:
        ValueError: something in it is no statement of a root, or it has none.
    """
    if place.is_dir() or zipfile.is_zipfile(place):
        lines: Sequence[bytes] = list(Package(place).lines(ROOTS))
    else:
        raw = place.read_bytes()
        lines = _lines_of_answer(raw) or [line for line in raw.splitlines() if line.strip()]
    found = [parse_as(line, STATEMENT) for line in lines]
    if not found or not all(found):
        what = f"line {found.index({}) + 1} is no statement of a root" if found else "it has no roots"
        raise ValueError(f"{place} cannot be read as roots that you kept: {what}")
    return found


def _lines_of_answer(raw: bytes) -> list[bytes]:
    rows = parse(raw).get("data")
    texts = [row.get("statement") for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return [str(text).encode() for text in texts]


def parse_root(text: str) -> tuple[str, str]:
    """A day and a root, or the hash of its statement, from ``DAY=ROOT``."""
    found = _HASH_OF_DAY.fullmatch(text.strip().lower())
    try:
        return date.fromisoformat(found[1] if found else "").isoformat(), found[2] if found else ""
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day with a root, such as 2026-11-29=e3b0c4…") from None


def compare_roots(chain: Chain, known: Sequence[tuple[str, str]], statements: Sequence[Mapping[str, Any]]) -> None:
    """Compare the roots with those that somebody kept: they show that a chain was written again or cut off."""
    own = [each for each in statements if each["chain"] == chain.manifest.get("chain")]
    if statements and not own:
        chain.report("None of the roots that you kept is of this chain: it is another one, or was written again.")
    for each in sorted(own, key=lambda one: str(one["day"])):
        _compare(chain, each["day"], is_same=chain.roots.get(each["day"]) == each)
    for day, value in sorted(known):
        root = chain.roots.get(day)
        _compare(chain, day, is_same=bool(root) and value in (chain.roots[day]["root"], chain.statement_hashes[day]))
        if root and value == root["root"] and not chain.has_records_of(root):
            chain.remark(
                f"The package does not have the records of {day}, so its root alone proves no other day. "
                "Keep the statements, or the hash of one."
            )
    if not known and not statements:
        chain.remark("Compare the roots with some that you kept (--known, --root): see docs/evidence.md.")


def _compare(chain: Chain, day: str, *, is_same: bool) -> None:
    if day in chain.roots:
        if not is_same:
            chain.report(f"The root of {day} is not the one that you kept: the chain was written again.")
        return
    made = str(chain.manifest.get("created_at"))
    if day <= max(chain.roots, default=""):
        chain.report(f"The root of {day} that you kept is not in the package.")
    elif made >= f"{date.fromisoformat(day) + timedelta(days=1)}T{_HOUR_OF_ROOTS}":
        chain.report(f"The root of {day} that you kept is not in the package of {made}: its last roots were cut off.")
    else:
        chain.remark(f"The root of {day} that you kept is newer than the package, which says that it is of {made}.")
