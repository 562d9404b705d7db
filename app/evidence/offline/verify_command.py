"""The command of the verifier: its arguments, the order of the checks, and its report."""

from __future__ import annotations

import argparse
import csv
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from app.evidence.offline.chain_check import ROOTS, Chain
from app.evidence.offline.document_proof import Documents
from app.evidence.offline.hash_trees import STATEMENT, parse, parse_as
from app.evidence.offline.package_reader import Package
from app.evidence.offline.stamp_check import check_stamps

#: What reading a changed file raises.
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError, OSError, EOFError, csv.Error, zlib.error)


def verify(package: Package, known: dict[str, str], statements: Sequence[dict[str, Any]] = ()) -> Chain:
    """Check a package against roots that somebody kept: ``known`` by their days, ``statements`` of any chain."""
    chain = Chain(package)
    documents = Documents(chain)
    records = (chain.read_manifest, chain.read_roots, chain.read_records, chain.check_days)
    steps: list[Callable[[], None]] = [*records, chain.read_further, chain.read_sealed]
    steps += [documents.check_lists, documents.check_vat, documents.check_files, partial(check_stamps, chain)]
    for step in steps:
        try:
            step()
        except (*UNREADABLE, zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
            what = (getattr(step, "func", step).__doc__ or "").rstrip(".")
            chain.report(f"A file was changed so that it cannot be read ({what}): {error!r}.")
    own = [each for each in statements if each["chain"] == chain.manifest.get("chain")]
    if statements and not own:
        chain.report("None of the roots that you kept is of this chain: it is another one, or was written again.")
    compare_roots(chain, {**{each["day"]: each["root"] for each in own}, **known})
    return chain


def compare_roots(chain: Chain, known: dict[str, str]) -> None:
    """Compare the roots with those that somebody kept: they show that a whole chain was written again."""
    last = max(chain.roots, default="")
    for day, root in sorted(known.items()):
        if day in chain.roots and chain.roots[day]["root"] != root:
            chain.report(f"The root of {day} is not the one that you kept: the chain was written again.")
        elif day not in chain.roots and day <= last:
            chain.report(f"The root of {day} that you kept is not in the package.")
    if not known:
        chain.remark("Compare the roots with some that you kept (--known, --root): see docs/evidence.md.")


def known_roots(place: Path) -> list[dict[str, Any]]:
    """Statements from a package, from its ``chain/roots.jsonl``, from an answer of the API, or from a mail."""
    if place.is_dir() or zipfile.is_zipfile(place):
        lines = list(Package(place).lines(ROOTS))
    else:
        answer = parse(place.read_bytes())
        statements = [row["statement"].encode() for row in answer.get("data", [])]
        lines = statements or place.read_bytes().splitlines()
    return [root for root in (parse_as(line, STATEMENT) for line in lines) if root]


def main(arguments: list[str]) -> int:
    """Check a package and write the report; the exit status is 1 if something was changed."""
    parser = argparse.ArgumentParser(description="Check an evidence package of Invoice Hub.")
    parser.add_argument("package", type=Path, help="the ZIP file, or the folder that it was unpacked to")
    parser.add_argument("--known", type=Path, action="append", default=[], help="a file or package with roots you kept")
    parser.add_argument("--root", action="append", default=[], metavar="DAY=ROOT", help="a root you kept")
    options = parser.parse_args(arguments)
    known = dict(each.partition("=")[::2] for each in options.root)
    statements: list[dict[str, Any]] = []
    try:
        for place in options.known:
            statements += known_roots(place)
        package = Package(options.package)
    except (OSError, zipfile.BadZipFile) as error:
        sys.stdout.write(f"The package cannot be opened: {error}\n")
        return 2
    chain = verify(package, known, statements)
    lines = [f"CHANGED: {fault}" for fault in chain.findings] + [f"Note: {note}" for note in chain.notes]
    counts = f"{len(chain.hashes)} records, {len(chain.roots)} roots, {len(chain.artefacts)} files stated"
    verdict = f"{len(chain.findings)} faults" if chain.findings else "Nothing was changed"
    lines += (f"{verdict} ({counts}).", "")
    sys.stdout.write("\n".join(lines))
    return 1 if chain.findings else 0
