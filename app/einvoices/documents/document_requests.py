"""``send()``: the answer to a request for a legal document, for the API and the pages."""

from __future__ import annotations

from functools import partial

from flask import Response

from app.accounts.ownership import Scope
from app.einvoices.documents import legal_documents
from app.einvoices.errors import DocumentNotReady, NoLegalDocument
from app.extensions import celery
from app.formats.legal_format import LegalFormat
from app.kernel.unit_of_work import after_commit
from app.kernel.worker.celery_app import LEASE
from app.pdf import files

_TASK = "einvoices.write_document"


def send(einvoice_id: int, name: str, scope: Scope) -> Response:
    """The file of the newest document of the format ``name``. If a worker has to write it, it is asked to.

    Raises:
        NoLegalDocument: there is no such format, or the e-invoice is a draft.
        DocumentNotReady: a worker writes it.
    """
    if name not in set(LegalFormat):
        raise NoLegalDocument
    wanted = LegalFormat(name)
    row = legal_documents.find_or_write(einvoice_id, wanted, scope)
    if row is None:
        after_commit(partial(_ask_worker, einvoice_id, wanted.value))
        raise DocumentNotReady
    stored = legal_documents.stored_file(einvoice_id, row, scope)
    return files.send_pdf(stored, download=True, media_type=row.media_type)


def _ask_worker(einvoice_id: int, name: str) -> None:
    celery.send_task(_TASK, args=(einvoice_id, name), retry=False, ignore_result=True, expires=LEASE)
