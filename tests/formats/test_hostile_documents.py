"""Hostile XML, JSON and PDF: refused within a second and 64 MiB, and nothing is expanded or fetched."""

from __future__ import annotations

import io
import resource
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, NameObject, StreamObject

from app.formats.document_reader import open_source, read_document
from app.formats.errors import UnreadableDocument

ROOT = Path(__file__).resolve().parents[2]
MIB = 1024 * 1024
_ENTITIES = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))


def _inflating_pdf() -> bytes:
    """An embedded file of 200 MB in 200 KB."""
    writer, stream = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.add_attachment("factur-x.xml", b"<a/>")
    for each in writer._objects:
        if isinstance(each, DecodedStreamObject | StreamObject) and each.get("/Type") == "/EmbeddedFile":
            each._data = zlib.compress(b"<a>" + b"0" * 200 * MIB)
            each[NameObject("/Filter")] = NameObject("/FlateDecode")
    writer.write(stream)
    return stream.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "entities": f'<!DOCTYPE a [<!ENTITY e0 "ha">{_ENTITIES}]><a>&e9;</a>'.encode,
    "external entity": lambda: b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    "external DTD": lambda: b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><a/>',
    "XInclude": lambda: b'<a xmlns:x="http://www.w3.org/2001/XInclude"><x:include href="/etc/passwd"/></a>',
    "a million attributes": lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(10**6)) + b"/>",
    "many attributes": lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(7 * 10**5)) + b"/>",
    "some attributes": lambda: b"<a " + b" ".join(b'a%d=""' % n for n in range(65)) + b"/>",
    "depth": lambda: b"<a>" * 100_000,
    "many elements": lambda: b"<a>" + b"<b/>" * 1_900_000 + b"</a>",
    "a long comment": lambda: b"<a><!--" + b"x" * 7 * MIB + b"--></a>",
    "size": lambda: b"<a>" + b"x" * 9 * MIB + b"</a>",
    "half of a pair": lambda: b'{"ItemList":[{"PrdDesc":"\\ud800"}]}',
    "half of a pair in a key": lambda: b'{"ItemList":[{"\\udc00":1}]}',
    "half of a pair as bytes": lambda: b'{"ItemList":[{"PrdDesc":"\xed\xa0\x80"}]}',
    "deep JSON": lambda: b'{"ItemList":' + b"[" * 100_000,
    "long JSON": lambda: b'{"ItemList":[' + b"{}," * 2_000_000 + b"{}]}",
    "PDF of broken objects": lambda: b"%PDF-1.4\n" + b"1 0 obj <<" * 300_000 + b"startxref 0 %%EOF",
    "inflating PDF": _inflating_pdf,
}
#: The process reads a document from standard input, and says how many KiB it needed more than before.
_PROGRAM = """
import resource, sys
from app.formats.document_reader import open_source, read_document
from app.formats.errors import UnreadableDocument
content = sys.stdin.buffer.read()
before = resource.getrusage(resource.RUSAGE_SELF)
try:
    read_document(open_source(content))
except UnreadableDocument as error:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print(used.ru_maxrss - before.ru_maxrss, used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime)
"""


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused(name: str) -> None:
    with pytest.raises(UnreadableDocument):
        read_document(open_source(HOSTILE[name]()))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["entities", "many attributes", "many elements", "long JSON", "a long comment"])
def test_it_needs_little_time_and_memory(name: str) -> None:
    program = [sys.executable, "-c", _PROGRAM]
    done = subprocess.run(program, cwd=ROOT, input=HOSTILE[name](), capture_output=True, check=True)
    memory, seconds = done.stdout.split()
    assert int(memory) < 64 * 1024
    assert float(seconds) < 1


def test_the_child_of_a_pdf_needs_little_time() -> None:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with pytest.raises(UnreadableDocument):
        open_source(HOSTILE["PDF of broken objects"]())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime - before.ru_utime < 2  # with the start of the process


@pytest.mark.parametrize("number", [b"1e999999", b"-1e99999999999999999999", b"1e-99999999999999999999", b"9" * 4000])
def test_a_number_that_no_invoice_has_is_a_fault_of_its_line(number: bytes) -> None:
    content = b'{"Version":"1.1","ItemList":[{"Qty":' + number + b"}]}"
    invoice = read_document(open_source(content))
    assert [fault.path for fault in invoice.faults] == ["ItemList/1/Qty"]
