"""The command of the verifier: its arguments, the order of the checks, and its report."""

from __future__ import annotations

import argparse
import csv
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from app.evidence.offline.chain_check import Chain
from app.evidence.offline.document_proof import Documents
from app.evidence.offline.kept_roots import compare_roots, parse_root, read_kept
from app.evidence.offline.package_reader import Package
from app.evidence.offline.stamp_check import check_stamps

#: What reading a changed file raises.
_WRONG_VALUES = (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError, RuntimeError)
_WRONG_FILES = (OSError, EOFError, MemoryError, csv.Error, struct.error, zlib.error, zipfile.BadZipFile)
UNREADABLE = (*_WRONG_VALUES, *_WRONG_FILES)


def verify(
    package: Package, known: Sequence[tuple[str, str]] = (), statements: Sequence[Mapping[str, Any]] = ()
) -> Chain:
    """Check a package against roots that somebody kept: ``known`` by their days, ``statements`` of any chain."""
    chain = Chain(package)
    documents = Documents(chain)
    records = (chain.read_manifest, chain.read_roots, chain.read_records, chain.check_days)
    steps: list[Callable[[], None]] = [*records, chain.read_further, chain.read_sealed]
    steps += [documents.check_lists, documents.check_vat, documents.check_files, partial(check_stamps, chain)]
    steps.append(partial(compare_roots, chain, known, statements))
    for step in steps:
        try:
            step()
        except UNREADABLE as error:
            what = (getattr(step, "func", step).__doc__ or "").rstrip(".")
            chain.report(f"A file was changed so that it cannot be read ({what}): {error!r}.")
    return chain


def main(arguments: list[str]) -> int:
    """Check a package and write the report; the exit status is 1 if something was changed."""
    parser = argparse.ArgumentParser(description="Check an evidence package of Invoice Hub.")
    parser.add_argument("package", type=Path, help="the ZIP file, or the folder that it was unpacked to")
    parser.add_argument("--known", type=Path, action="append", default=[], help="a file or package with roots you kept")
    what = "a root, or the hash of its statement, that you kept"
    parser.add_argument("--root", type=parse_root, action="append", default=[], metavar="DAY=ROOT", help=what)
    options = parser.parse_args(arguments)
    statements: list[dict[str, Any]] = []
    try:
        for place in options.known:
            statements += read_kept(place)
        options.package.stat()
        package = Package(options.package)
    except UNREADABLE as error:
        sys.stdout.write(f"The package or a file of kept roots cannot be opened: {error}\n")
        return 2
    chain = verify(package, options.root, statements)
    sys.stdout.write(_report(chain))
    return 1 if chain.findings else 0


def _report(chain: Chain) -> str:
    lines = [f"CHANGED: {fault}" for fault in chain.findings] + [f"Note: {note}" for note in chain.notes]
    facts = [str(chain.manifest.get(name)) for name in ("period", "created_at", "chain", "from", "to")]
    lines.append("Package of {}, made at {}; chain {}, records {} to {}.".format(*facts))
    counts = f"{len(chain.hashes)} records, {len(chain.roots)} roots, {len(chain.artefacts)} files stated"
    verdict = f"{len(chain.findings)} faults" if chain.findings else "Nothing was changed"
    return "\n".join((*lines, f"{verdict} ({counts}).", ""))
