"""A file that is uploaded twice: for a preview, and then to be stored; both must be the same file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flask import request

from app.kernel.errors import BadRequest
from app.kernel.messages import N_
from app.tables.user_files.column_map import ColumnMap


class ChangedFile(BadRequest):
    message = N_("The file is not the one of the preview. Check the new preview, then import it.")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """Content of the field ``file``, and the SHA-256 of it and its columns, which the preview puts into the form."""

    content: bytes
    digest: str

    @property
    def is_previewed(self) -> bool:
        """Whether the form comes from the preview of this very file."""
        return request.form.get("digest") == self.digest


def read_file(columns: ColumnMap) -> UploadedFile:
    """The file of the present request, which is read by ``columns``.

    Raises:
        BadRequest: there is none, or it is empty.
    """
    file = request.files.get("file")
    content = file.read() if file else b""
    if not content:
        raise BadRequest(N_("Choose a file first."))
    digest = hashlib.sha256(content)
    for heading, column in sorted(columns.columns.items()):
        digest.update(f"\0{heading}\0{column}".encode())
    return UploadedFile(content, digest.hexdigest())
