"""``parse_xml()``: a small tree of an XML document, read within limits of bytes, elements, attributes and depth.

Expat reads the document in blocks. A document type declaration, an entity or an XInclude element stops it at once, so
that nothing is expanded and nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn
from xml.parsers import expat

from app.formats.errors import UnreadableDocument
from app.kernel.messages import N_, Message

MAX_BYTES = 8 * 1024 * 1024
#: An invoice of 3,000 lines has about 120,000 elements.
MAX_ELEMENTS = 150_000
MAX_DEPTH = 64
MAX_ATTRIBUTES = 64
#: Bytes of one tag, comment or instruction.
MAX_TAG = 64 * 1024
#: Characters of a text that is kept; an embedded file is longer and of no use here.
MAX_TEXT = 20_000
#: Comments and instructions of a document with the most elements.
_OTHER_TAGS = 10_000
_BLOCK = 64 * 1024
_XINCLUDE = "http://www.w3.org/2001/XInclude"
_SEPARATOR = "\x1f"


class Node:
    """An element: its namespace, local name, attributes by local name, text and child elements."""

    __slots__ = ("attributes", "children", "name", "namespace", "text")

    def __init__(self, namespace: str, name: str, attributes: dict[str, str]) -> None:
        self.namespace, self.name, self.attributes = namespace, name, attributes
        self.text = ""
        self.children: list[Node] = []

    def all(self, name: str) -> Iterator[Node]:
        """The child elements with this local name."""
        return (child for child in self.children if child.name == name)

    def find(self, path: str) -> Node | None:
        """The first element at a path of local names, as ``Price/PriceAmount``."""
        node: Node | None = self
        for name in path.split("/"):
            node = next(node.all(name), None) if node is not None else None
        return node

    def read(self, path: str) -> str | None:
        """The text at a path; ``None`` where there is none."""
        node = self.find(path)
        return (node.text.strip() or None) if node is not None else None


def parse_xml(content: bytes) -> Node:
    """The root element of ``content``.

    Raises:
        UnreadableDocument: the document is malformed, has a document type or breaks a limit.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableDocument(Message(N_("The document has more than %(n)s bytes."), n=MAX_BYTES))
    if content.count(b"<") > 2 * MAX_ELEMENTS + _OTHER_TAGS:
        raise _too_many_elements()
    builder = _Builder()
    parser = builder.parser
    try:
        for start in range(0, len(content), _BLOCK):
            parser.Parse(content[start : start + _BLOCK], False)
            if start + _BLOCK - max(parser.CurrentByteIndex, 0) > MAX_TAG + _BLOCK:
                _refuse(N_("A tag, comment or instruction of the document is too long."))
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        text = N_("The document is no well-formed XML: %(error)s.")
        raise UnreadableDocument(Message(text, error=str(error))) from error
    except (LookupError, ValueError) as error:
        raise UnreadableDocument(N_("The encoding of the document is unknown; send UTF-8.")) from error
    if builder.root is None:
        _refuse(N_("The document has no element."))
    return builder.root


def _too_many_elements() -> UnreadableDocument:
    return UnreadableDocument(Message(N_("The document has more than %(n)s elements."), n=MAX_ELEMENTS))


def _refuse(text: str) -> NoReturn:
    raise UnreadableDocument(text)


class _Builder:
    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[Node] = []
        self._texts: list[str] = []
        self._kept = 0
        self._count = 0
        self.parser = parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
        parser.buffer_text = True
        parser.buffer_size = _BLOCK
        parser.ordered_attributes = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._data
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._doctype
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def _doctype(self, *_: object) -> None:
        _refuse(N_("The document has a document type declaration; an invoice has none."))

    def _start(self, tag: str, attributes: list[str]) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise _too_many_elements()
        if len(self._open) >= MAX_DEPTH:
            raise UnreadableDocument(
                Message(N_("The elements of the document are nested deeper than %(n)s."), n=MAX_DEPTH)
            )
        if len(attributes) > 2 * MAX_ATTRIBUTES:
            raise UnreadableDocument(Message(N_("An element has more than %(n)s attributes."), n=MAX_ATTRIBUTES))
        namespace, _, name = tag.rpartition(_SEPARATOR)
        if namespace == _XINCLUDE:
            _refuse(N_("The document includes another one (XInclude); an invoice includes none."))
        names = (key.rpartition(_SEPARATOR)[2] for key in attributes[::2])
        node = Node(namespace, name, dict(zip(names, attributes[1::2], strict=True)))
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)
        self._texts, self._kept = [], 0

    def _data(self, text: str) -> None:
        if self._kept < MAX_TEXT:
            self._texts.append(text)
            self._kept += len(text)

    def _end(self, _tag: str) -> None:
        node = self._open.pop()
        if not node.children:
            node.text = "".join(self._texts)
        self._texts, self._kept = [], 0
