"""Checks of documents; all but small ones run in a child process with limits of time and memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from app.einvoices.errors import UnreadableLegalDocument
from app.einvoices.official import official_answers
from app.einvoices.official.request_queue import OfficialAnswer
from app.formats.canonical import Format
from app.formats.canonical_json import sha256
from app.formats.document_reader import Source, open_source, read_document
from app.formats.errors import UnreadableDocument
from app.kernel.errors import PayloadTooLarge
from app.kernel.messages import N_, Message
from app.kernel.system.child_process import ChildLimits, ChildProcesses, OverLimit
from app.rules.document_check import Check, Profile, check_document
from app.rules.sums import exact

Result = TypeVar("Result")

#: Bytes of a document that is checked in this process: an invoice of 30 lines takes 40 milliseconds.
SMALL = 64 * 1024
_MIB = 1024 * 1024
#: An invoice of 3,000 lines takes 5 seconds.
_LIMITS = ChildLimits(seconds=25, cpu_seconds=20, memory=1024 * _MIB, answer=64 * _MIB)
_children = ChildProcesses(_LIMITS, running=2, waiting=5)


@dataclass(frozen=True, slots=True)
class DocumentVerdict:
    """The verdict, and which document it is about."""

    format: Format
    number: str | None
    #: Of the canonical bytes.
    sha256: str
    verdict: exact.Verdict


@dataclass(frozen=True, slots=True)
class FullCheck:
    """What the rules of the hub say, and what the official rules say or when they can."""

    own: Check
    #: None if nobody asked for it.
    official: OfficialAnswer | None


def full_check(content: bytes, profile: Profile | None, *, owner: int, seconds: float | None) -> FullCheck:
    """Apply the rules as ``check`` does, and have the official rules applied; no transaction may be open.

    Args:
        seconds: how long to wait for the official rules; without them they are not asked.
    """
    source = _open(content, owner)
    own = _run(check_document, source, profile, owner=owner)
    if seconds is None:
        return FullCheck(own, None)
    return FullCheck(own, official_answers.ask(source.content, own.invoice.format, owner, seconds=seconds))


def check(content: bytes, profile: Profile | None, *, owner: int | None = None) -> Check:
    """Apply the rules of a profile to a document, in the name of the user ``owner``.

    Raises:
        UnreadableLegalDocument: the document cannot be read.
        PayloadTooLarge: it takes too long, or too much memory.
        Busy: other documents are being read, perhaps of the same user.
    """
    return _run(check_document, _open(content, owner), profile, owner=owner)


def verdict(content: bytes, *, owner: int | None = None) -> DocumentVerdict:
    """Recompute every sum of a document, in the name of the user ``owner``; raises as ``check`` does."""
    return _run(verdict_of, _open(content, owner), None, owner=owner)


def verdict_of(source: Source, _profile: Profile | None) -> DocumentVerdict:
    """Do the work of ``verdict`` in this process."""
    invoice = read_document(source)
    return DocumentVerdict(invoice.format, invoice.number, sha256(invoice), exact.verdict(invoice))


def _open(content: bytes, owner: int | None) -> Source:
    try:
        return open_source(content, owner=owner)
    except UnreadableDocument as error:
        raise UnreadableLegalDocument(error.message) from error


def _run(
    function: Callable[[Source, Profile | None], Result],
    source: Source,
    profile: Profile | None,
    *,
    owner: int | None,
) -> Result:
    try:
        if len(source.content) <= SMALL:
            return function(source, profile)
        return _children.call(function, source, profile, owner=owner)
    except UnreadableDocument as error:
        raise UnreadableLegalDocument(error.message) from error
    except OverLimit as error:
        sentence = N_("The document takes more than %(n)s seconds or too much memory to check.")
        raise PayloadTooLarge(Message(sentence, n=_LIMITS.cpu_seconds)) from error
