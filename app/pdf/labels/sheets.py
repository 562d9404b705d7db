"""Print document of labels: 14 of 99.1 × 38.1 mm on an A4 sheet (Avery L7163), or one of 100 × 50 mm on each page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

from app.pdf.print_queue import Document
from app.pdf.qr import QrImage, qr_image

TEMPLATES, TEMPLATE = Path(__file__).parents[1] / "templates", "labels.html"
LABELS_PER_SHEET, SHEETS_PER_PART = 14, 20
#: Longest number, in characters, that is printed in large and in medium letters.
_MAX_LARGE, _MAX_MEDIUM = 16, 40


class LabelPaper(StrEnum):
    #: Sheets of 14 labels of 99.1 × 38.1 mm.
    A4 = "a4"
    #: A roll of labels of 100 × 50 mm, one on each page.
    THERMAL = "thermal"


@dataclass(frozen=True, slots=True)
class Label:
    """The texts of a label, from the largest to the smallest; what does not fit is cut off.

    Attributes:
        number: what the QR code holds.
        headline: the line below the number.
        main: lines of a bold and a plain text.
        details: small lines.
    """

    number: str
    headline: str
    main: tuple[tuple[str, str], ...]
    details: tuple[str, ...]

    @property
    def size(self) -> str:
        length = len(self.number)
        return "large" if length <= _MAX_LARGE else "medium" if length <= _MAX_MEDIUM else "small"

    @property
    def code(self) -> QrImage:
        return qr_image(self.number)


def build_labels(
    labels: Iterable[Label], head: Mapping[str, Any], paper: LabelPaper = LabelPaper.A4, start: int = 1
) -> Document:
    """The document of labels; without labels it has no parts.

    Args:
        head: ``language``, ``title``, ``author`` and ``timestamp`` (ISO 8601) of the PDF.
        start: the first place on the first sheet that is used; those before it were printed already.
    """
    skipped = start - 1 if paper == LabelPaper.A4 else 0
    return Document(TEMPLATES, TEMPLATE, _parts(labels, {**head, "paper": paper.value}, skipped))


def _parts(labels: Iterable[Label], head: Mapping[str, Any], skipped: int) -> Iterator[dict[str, Any]]:
    made = iter(labels)
    first = next(made, None)
    if first is None:
        return
    places = chain(repeat(None, skipped), [first], made)
    sheets = iter(lambda: list(islice(places, LABELS_PER_SHEET)), [])
    while part := list(islice(sheets, SHEETS_PER_PART)):
        yield {**head, "sheets": part}
