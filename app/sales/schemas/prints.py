"""Query of the labels of boxes."""

from __future__ import annotations

from app.kernel.schemas.fields import Choice, Number, Schema
from app.pdf.labels.sheets import LABELS_PER_SHEET, LabelPaper

MAX_COPIES = 1000


class BoxLabelsQuery(Schema):
    """Paper, place and number of the labels."""

    paper = Choice(
        *LabelPaper,
        load_default=LabelPaper.A4.value,
        metadata={"description": "`a4`: 14 labels of 99.1 × 38.1 mm on a sheet; `thermal`: 100 × 50 mm each."},
    )
    start = Number(
        1, LABELS_PER_SHEET, load_default=1, metadata={"description": "First place on the first sheet that is used."}
    )
    copies = Number(
        1,
        MAX_COPIES,
        metadata={"description": "So many equal labels; without it one for each packed box, or a single one."},
    )
