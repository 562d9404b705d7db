"""``check_parts()``: the limits of a workbook's archive and of the XML in it, before any of it is parsed."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from typing import IO

from app.kernel.messages import N_, Message
from app.tables.layout import Limits, UnreadableTable

SIGNATURE = b"PK\x03\x04"
#: A workbook before Excel 2007, and every workbook with a password.
OLD_SIGNATURE = b"\xd0\xcf\x11\xe0"
_MIB = 1024 * 1024
_BLOCK = _MIB
#: Members of the archive. A workbook has a few for each sheet and picture.
_MOST_MEMBERS = 10_000
#: Bytes of a tag, a text, a comment or a CDATA section. The parser looks at an unfinished one again each time that it
#: gets more of it, which is quadratic work.
_LONGEST = _MIB
#: Each block is searched together with the end of the one before.
_OVERLAP = 32
_MERGED = b"mergeCell"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_DECLARATIONS = tuple(
    text.encode(encoding) for text in ("<!DOCTYPE", "<!ENTITY") for encoding in ("utf-8", "utf-16-le", "utf-16-be")
)
#: What may stand before the first tag of an XML document.
_BEFORE_XML = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"
#: A comment or a CDATA section; one of its groups is set where its end is missing.
_SECTION = re.compile(rb"<!(?:--.*?(?:-->|(\Z))|\[CDATA\[.*?(?:\]\]>|(\Z)))", re.DOTALL)
_UTF_16_SECTIONS = tuple("<!".encode(encoding) for encoding in ("utf-16-le", "utf-16-be"))


def check_parts(stream: IO[bytes], limits: Limits) -> set[str]:
    """Look at the size of a workbook, at the number of its members and elements, and at the length of its texts.

    Returns:
        the names of the parts that can have merged cells.

    Raises:
        UnreadableTable: one is over its limit, or a part declares a document type or entities.
    """
    elements = 0
    merged: set[str] = set()
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise UnreadableTable(Message(N_("The spreadsheet has more than %(n)s parts."), n=_MOST_MEMBERS))
        if sum(member.file_size for member in members) > limits.unpacked_bytes:
            size = limits.unpacked_bytes // _MIB
            raise UnreadableTable(Message(N_("The spreadsheet unpacks to more than %(size)s MiB."), size=size))
        for member in members:
            with archive.open(member) as file:
                for before, block in _blocks(file):
                    # The second of each pair is for UTF-16.
                    elements += sum(block.count(end) for end in (b"</", b"<\0/", b"/>", b"/\0>"))
                    seen = before + block
                    if any(mark in seen for mark in _DECLARATIONS):
                        raise UnreadableTable
                    if _MERGED in seen or (not before and seen.startswith(_UTF_16)):
                        merged.add(member.filename)
        if elements > limits.elements:
            raise UnreadableTable(Message(N_("The spreadsheet has more than %(n)s cells."), n=limits.elements // 2))
    stream.seek(0)
    return merged


def _blocks(file: IO[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The blocks of a part, each with the end of the one before it.

    Raises:
        UnreadableTable: the part is XML with a text, tag or section that is too long.
    """
    before = unfinished = b""
    is_xml = True
    while block := file.read(_BLOCK):
        if not before:
            is_xml = block.lstrip(_BEFORE_XML)[:1] in {b"<", b""}
        if is_xml:
            unfinished = _unfinished(unfinished + block)
            if len(unfinished) > _LONGEST:
                raise UnreadableTable(N_("The spreadsheet has a text of more than a million characters."))
        yield before, block
        before = block[-_OVERLAP:]


def _unfinished(xml: bytes) -> bytes:
    """The end of ``xml`` that is no whole tag, comment or CDATA section."""
    if any(mark in xml for mark in _UTF_16_SECTIONS):
        raise UnreadableTable  # no program writes them in UTF-16
    begin = xml.rfind(b">") + 1
    if b"<!" in xml:
        for section in _SECTION.finditer(xml):
            if section.group(1) is not None or section.group(2) is not None:
                begin = section.start()
    return xml[begin:]
