"""How far the making of a paper is, as answers tell it."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app.grn.models.papers import Paper
from app.grn.schemas.fields import Compact, Moment
from app.kernel.schemas.fields import Choice
from app.kernel.worker.work_queue import WorkState


class PaperSchema(Compact):
    """A paper: `pending` until it is made, `failed` with an `error` when it could not be."""

    kind = Choice(*Paper)
    state = Choice(*WorkState)
    error = fields.String()
    url = fields.String()
    sha256 = fields.String(attribute="present_sha256")
    finished_at = Moment(data_key="finishedDate")


PAPER_EXAMPLE: dict[str, Any] = {
    "kind": "note",
    "state": "done",
    "url": "/api/invoices/98/note.pdf",
    "sha256": "d5579c46dfcc7f18207013e65b44e4cb4e2c2298f4ac457ba8f82743f31e930b",
    "finishedDate": 1696836109012,
}
