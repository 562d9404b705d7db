"""``embedded_invoice()``: the XML file inside a hybrid PDF (Factur-X, ZUGFeRD, XRechnung).

It is called in a child process with limits of time and memory: ``app/formats/document_reader.py``.
"""

from __future__ import annotations

import io
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from pypdf import PdfReader, apply_configuration
from pypdf.errors import PdfReadError, PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from app.formats.errors import UnreadableDocument
from app.formats.xml_tree import MAX_BYTES
from app.kernel.messages import N_

#: Names of the standards, in the order in which they are chosen.
_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml", "cii.xml", "ubl.xml")
_MOST_FILES, _MOST_NODES = 100, 1000
_SECONDS = 0.6
_TOO_SLOW = N_("The PDF takes too long to read.")
_LIMITS: dict[str, Any] = {
    "maximum_declared_stream_length": 4 * MAX_BYTES,
    "array_based_stream_maximum_output_length": MAX_BYTES,
    "lzw_maximum_output_length": MAX_BYTES,
    "run_length_maximum_output_length": MAX_BYTES,
    "zlib_maximum_output_length": MAX_BYTES,
    "stream_filters_maximum_length": 4,
    "stream_decoding_work_maximum_length": 4 * MAX_BYTES,
}


def embedded_invoice(content: bytes) -> bytes:
    """The bytes of the embedded invoice.

    Raises:
        UnreadableDocument: the PDF is broken or has a password, breaks a limit, or has no XML file.
    """
    try:
        with apply_configuration(**_LIMITS), _time_limit():
            return _embedded_file(content)
    except UnreadableDocument:
        raise
    except (PyPdfError, PdfReadError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError) as error:
        raise UnreadableDocument(N_("The PDF is broken, or its embedded file is too large.")) from error
    except RecursionError as error:
        raise UnreadableDocument(N_("The PDF is nested too deep.")) from error


@contextmanager
def _time_limit() -> Iterator[None]:
    """Stop after ``_SECONDS`` of the processor: a broken PDF makes the library search the whole file again and again.

    Only the main thread can be stopped; a child process has no other.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGVTALRM, lambda *_: _refuse(_TOO_SLOW))
    signal.setitimer(signal.ITIMER_VIRTUAL, _SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, previous)


def _embedded_file(content: bytes) -> bytes:
    reader = PdfReader(io.BytesIO(content), root_object_recovery_limit=1000, xref_stream_maximum_entries=200_000)
    # Many printers encrypt with an empty password for readers, and one of the owner against changes.
    if reader.is_encrypted and not reader.decrypt(""):
        _refuse(N_("The PDF has a password."))
    files = dict(_xml_files(reader.trailer["/Root"]))
    chosen = next((name for name in _NAMES if name in files), None) or next(iter(sorted(files)), None)
    if chosen is None:
        _refuse(N_("The PDF has no embedded XML file; it is no hybrid invoice."))
    return bytes(files[chosen].get_data())


def _refuse(text: str) -> NoReturn:
    raise UnreadableDocument(text)


def _xml_files(root: Any) -> Iterator[tuple[str, StreamObject]]:
    """Name and stream of each embedded XML file of the document catalog ``root``, at most ``_MOST_FILES``."""
    count = 0
    for specification in _specifications(root):
        name = str(_resolved(specification.get("/UF")) or _resolved(specification.get("/F")) or "").lower()
        files = _resolved(specification.get("/EF"))
        if not name.endswith(".xml") or not isinstance(files, DictionaryObject):
            continue
        stream = _resolved(files.get("/UF")) or _resolved(files.get("/F"))
        if isinstance(stream, StreamObject):
            yield name, stream
        count += 1
        if count >= _MOST_FILES:
            return


def _specifications(root: Any) -> Iterator[DictionaryObject]:
    """The file specifications of ``/AF`` and of the tree ``/Names`` → ``/EmbeddedFiles``."""
    associated = _resolved(root.get("/AF"))
    for each in associated if isinstance(associated, ArrayObject) else ():
        found = _resolved(each)
        if isinstance(found, DictionaryObject):
            yield found
    names = _resolved(root.get("/Names"))
    nodes = [_resolved(names.get("/EmbeddedFiles"))] if isinstance(names, DictionaryObject) else []
    for _ in range(_MOST_NODES):
        if not nodes:
            return
        node = nodes.pop()
        if not isinstance(node, DictionaryObject):
            continue
        pairs, kids = _resolved(node.get("/Names")), _resolved(node.get("/Kids"))
        for each in list(pairs)[1::2] if isinstance(pairs, ArrayObject) else ():
            found = _resolved(each)
            if isinstance(found, DictionaryObject):
                yield found
        nodes += [_resolved(each) for each in list(kids)[:_MOST_FILES]] if isinstance(kids, ArrayObject) else []


def _resolved(value: Any) -> Any:
    return value.get_object() if isinstance(value, IndirectObject) else value
