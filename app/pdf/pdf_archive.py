"""Several PDFs as one ZIP file, streamed from their files in bounded memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import IO

from flask import Response
from zipstream import ZIP_STORED, ZipStream

from app.kernel import clock
from app.pdf.files import StoredPdf, safe_file_name

_CHUNK = 1 << 18
#: Name of the file that says what is left out.
LEFT_OUT = "left-out.txt"


def answer_archive(name: str, stored: Sequence[StoredPdf], left_out: Sequence[str]) -> Response:
    """An answer with a ZIP file of the PDFs, and a text file with the lines ``left_out`` if there are some."""
    opened = ExitStack()
    # A PDF is rendered again under a new name, and the old file goes: an open file stays readable.
    files = [(each.name, opened.enter_context(each.snapshot())) for each in stored]
    file_name = f"{name}-{clock.now():%Y%m%d-%H%M%S}.zip"
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name}"',
        "X-Accel-Buffering": "no",
        "Cache-Control": "no-store",
    }
    answer = Response(_archive(files, left_out), mimetype="application/zip", headers=headers)
    answer.call_on_close(opened.close)
    return answer


def _archive(files: Sequence[tuple[str, IO[bytes]]], left_out: Sequence[str]) -> Iterator[bytes]:
    archive = ZipStream(compress_type=ZIP_STORED, sized=False)
    seen: Counter[str] = Counter()
    for name, content in files:
        archive.add(_blocks(content), _free_name(safe_file_name(name), seen))
        yield from archive.all_files()
    if left_out:
        archive.add("".join(f"{line}\r\n" for line in left_out).encode(), LEFT_OUT)
    yield from archive.finalize()


def _free_name(name: str, seen: Counter[str]) -> str:
    """The name, with a number from its second use on: two sellers may have the same number."""
    seen[name] += 1
    return name if seen[name] == 1 else f"{name.removesuffix('.pdf')}-{seen[name]}.pdf"


def _blocks(file: IO[bytes]) -> Iterator[bytes]:
    while block := file.read(_CHUNK):
        yield block
