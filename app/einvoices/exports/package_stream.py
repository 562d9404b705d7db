"""The package of a month as a stream of bytes: a ZIP file in bounded memory, whatever its size."""

from __future__ import annotations

import csv
import hashlib
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from decimal import Decimal
from typing import IO, Any

from flask import Flask
from zipstream import ZIP_DEFLATED, ZIP_STORED, ZipStream

from app.einvoices.exports import chain_lines, document_rows
from app.einvoices.exports.month_scope import MonthScope
from app.einvoices.lifecycle import numbering
from app.evidence.record_bytes import FORMAT, canonical, decimal_text
from app.evidence.verifier_file import NAME, verifier_source
from app.kernel import clock

_CHUNK = 1 << 18
#: Excel recognises UTF-8 by it.
_BOM = b"\xef\xbb\xbf"
README = """\
This package has the e-invoices of one month of Invoice Hub, and what proves that they were not changed.

documents.csv   each document: number, dates, amounts, buyer, status; is_test marks test documents, which are not legal
vat.csv         the VAT by currency, type and rate; without cancelled documents, those that a correction replaced, and
                test documents
series.csv      each series of numbers with its gaps, as of the day of the export; TEST- begins that of test documents
pdf/            the documents
documents/      the same documents as XML and JSON, if the hub stored some, in a folder for each format
chain/          the records and daily roots of the chain, the sealed contents, proofs of further records
timestamps/     time stamps (RFC 3161) of daily roots, if the hub gets some
manifest.json   what the package has
verify.py       checks all of it offline: python3 verify.py THIS_FILE_OR_FOLDER

Compare the roots with some that you kept outside of the hub. The page "Evidence" of the documentation has the format.
"""


class _Digests:
    """Hashes of the files that no record states, for the manifest."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}

    def note(self, name: str, blocks: Iterable[bytes]) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for block in blocks:
            digest.update(block)
            yield block
        self.found[name] = digest.hexdigest()


def stream_package(app: Flask, scope: MonthScope) -> Iterator[bytes]:
    """The bytes of the package. No transaction is open between two blocks."""
    archive, digests = ZipStream(compress_type=ZIP_DEFLATED, sized=False), _Digests()
    vat: dict[document_rows.VatKey, list[Decimal]] = {}
    further_issues: list[int] = []
    with ExitStack() as opened:
        rows, further = (opened.enter_context(tempfile.TemporaryFile()) for _ in range(2))
        rows.write(_BOM + _csv([document_rows.COLUMNS]))
        for batch in document_rows.read_batches(app, scope):
            rows.write(_csv(batch.rows))
            further.writelines(map(chain_lines.further_line, batch.further))
            further_issues += batch.further_issues
            for key, amounts in batch.vat.items():
                vat[key] = [one + other for one, other in zip(vat.get(key, [Decimal(0)] * 3), amounts, strict=True)]
            for name, content in batch.files:
                archive.add(_blocks(content), name, compress_type=ZIP_STORED)
                yield from archive.all_files()
        others: dict[str, Iterable[bytes]] = {
            "documents.csv": _blocks(rows),
            "vat.csv": _vat_rows(vat),
            "series.csv": _series_rows(app, scope),
            "README.txt": [README.encode()],
            NAME: [verifier_source().encode()],
        }
        others |= chain_lines.stamp_files(app, scope)
        for name, blocks in others.items():
            archive.add(digests.note(name, blocks), name)
        archive.add(chain_lines.record_lines(app, scope), "chain/records.jsonl")
        archive.add(chain_lines.root_lines(app, scope), "chain/roots.jsonl")
        archive.add(chain_lines.sealed_lines(app, scope, further_issues), "chain/sealed.jsonl")
        if further.tell():  # a reader of a ZIP file does not notice a damage of an empty file
            archive.add(_blocks(further), "chain/further.jsonl")
        yield from archive.all_files()
        archive.add(_manifest(scope, digests.found), "manifest.json")
        yield from archive.finalize()


def _manifest(scope: MonthScope, digests: dict[str, str]) -> bytes:
    part = scope.part
    return canonical(
        {
            "before": part.before,
            "chain": part.chain,
            "created_at": clock.now(),
            "documents": len(scope.ids),
            "files": digests,
            "from": part.first,
            "head": part.head,
            "last_root": part.last_root,
            "period": scope.period,
            "to": part.last,
            "v": FORMAT,
        }
    )


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    if file.seekable():
        file.seek(0)
    while block := file.read(_CHUNK):
        yield block


def _csv(rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _vat_rows(vat: dict[document_rows.VatKey, list[Decimal]]) -> Iterator[bytes]:
    yield _BOM + _csv([("currency", "type", "vat_rate", "net", "vat", "total")])
    for (currency, kind, rate), amounts in sorted(vat.items()):
        yield _csv([(currency, kind, decimal_text(rate), *map(decimal_text, amounts))])


def _series_rows(app: Flask, scope: MonthScope) -> Iterator[bytes]:
    names = ("prefix", "year", "first", "last", "count", "cancelled", "last_number")
    with app.app_context():
        series = numbering.series_report(scope.owner_id)
    yield _BOM + _csv([(*names, "gaps")])
    for row in series:
        gaps = " ".join(f"{gap['first']}-{gap['last']}" for gap in row["gaps"])
        yield _csv([(*(row[name] for name in names), gaps)])
