"""Which tables refer to files that are kept, and the newest files that their rows name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select

from app.einvoices.models.documents import EinvoiceDocument
from app.extensions import db
from app.kernel.storage.file_store import PASSING, FileFacts, FileStore
from app.pdf.models import DocumentOnDemand
from app.pdf.print_queue import PRINT_QUEUES


def list_models() -> list[Any]:
    """The models with a column ``path`` of files that are kept."""
    printed = [each.rows for each in PRINT_QUEUES if not issubclass(each.rows, DocumentOnDemand)]
    return [*printed, EinvoiceDocument]


def newest_paths(count: int) -> list[str]:
    """The paths of the newest files of each table, up to ``count`` of each."""
    found: list[str] = []
    for model in list_models():
        newest = getattr(model, "finished_at", None) or model.created_at
        query = select(model.path).where(model.path.is_not(None)).order_by(newest.desc().nulls_last()).limit(count)
        found += db.session.scalars(query)
    return found


def kept_files(store: FileStore) -> Iterator[FileFacts]:
    """Every file that is kept."""
    return (each for each in store.walk() if not each.path.startswith(f"{PASSING}/"))
