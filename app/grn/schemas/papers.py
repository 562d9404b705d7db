"""Schema of the state of a receipt's PDFs."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.grn.models.papers import Paper
from app.grn.schemas.fields import EpochTimestamp, OmitNulls
from app.kernel.schemas.fields import Choice
from app.kernel.worker.work_queue import WorkState


class PaperSchema(OmitNulls):
    """A PDF of a receipt: `pending` until it is rendered, `failed` with an `error` if rendering failed."""

    never_null = frozenset({"kind", "state"})

    kind = Choice(*Paper)
    state = Choice(*WorkState)
    error = fields.String()
    url = fields.String()
    sha256 = fields.String(attribute="current_sha256")
    finished_at = EpochTimestamp(data_key="finishedDate")


PAPER_EXAMPLE: dict[str, Any] = {
    "kind": "note",
    "state": "done",
    "url": "/api/invoices/98/note.pdf",
    "sha256": "d5579c46dfcc7f18207013e65b44e4cb4e2c2298f4ac457ba8f82743f31e930b",
    "finishedDate": 1696836109012,
}
