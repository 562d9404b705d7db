"""``read_document()``: the canonical form of a document in any of the formats; its content tells the format."""

from __future__ import annotations

from dataclasses import dataclass

from app.formats.canonical import Invoice
from app.formats.errors import UnreadableDocument
from app.formats.readers.cii_names import is_cii
from app.formats.readers.cii_reader import read_cii
from app.formats.readers.inv01_reader import parse_inv01, read_inv01
from app.formats.readers.ubl_reader import is_ubl, read_ubl
from app.formats.xml_tree import parse_xml
from app.kernel.messages import N_
from app.kernel.system.child_process import ChildLimits, ChildProcesses, OverLimit

_MIB = 1024 * 1024
_PDF_SIGNATURE = b"%PDF-"
#: Bytes before which the signature of a PDF must begin.
_SIGNATURE_WITHIN = 1024
#: A PDF of 20 MB with a lawful attachment takes 0.4 seconds, most of them the start of the process.
_PDF_LIMITS = ChildLimits(seconds=15, cpu_seconds=2, memory=512 * _MIB, answer=12 * _MIB)
_children = ChildProcesses(_PDF_LIMITS, running=2, waiting=5)


@dataclass(frozen=True, slots=True)
class Source:
    """What a caller sent: the XML or JSON bytes, and whether they were inside a PDF."""

    content: bytes
    is_from_pdf: bool = False

    @property
    def is_json(self) -> bool:
        return self.content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}


def open_source(content: bytes, *, owner: int | None = None) -> Source:
    """The XML or JSON in ``content``; a PDF is opened in a child process, in the name of the user ``owner``.

    Raises:
        UnreadableDocument: there is nothing to read, or the PDF has no invoice.
        Busy: too many PDFs are being read, or the machine is too busy for this one.
    """
    if not content.strip():
        raise UnreadableDocument(N_("The document is empty."))
    if _PDF_SIGNATURE not in content[:_SIGNATURE_WITHIN]:
        return Source(content)
    try:
        return Source(_children.call(_invoice_in_pdf, content, owner=owner), is_from_pdf=True)
    except OverLimit as error:
        raise UnreadableDocument(N_("The PDF takes too long or too much memory to read.")) from error


def read_document(source: Source) -> Invoice:
    """The canonical form of a document.

    Raises:
        UnreadableDocument: the document has no known format, or breaks a limit.
    """
    if source.is_json:
        return read_inv01(parse_inv01(source.content.removeprefix(b"\xef\xbb\xbf")))
    root = parse_xml(source.content)
    if is_ubl(root):
        return read_ubl(root)
    if is_cii(root):
        return read_cii(root)
    raise UnreadableDocument(N_("The XML document is no invoice or credit note in UBL, UBL-TR or CII."))


def _invoice_in_pdf(content: bytes) -> bytes:
    """The invoice that a PDF carries; runs in the child process."""
    from app.formats.hybrid_pdf import embedded_invoice  # noqa: PLC0415 - pypdf: only the child reads PDFs

    return embedded_invoice(content)
