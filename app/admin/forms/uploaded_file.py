"""A file that is uploaded twice: for a preview, and then to be stored; both must be the same file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from flask import request

from app.kernel.errors import BadRequest
from app.kernel.messages import N_


class ChangedFile(BadRequest):
    message = N_("The file is not the one of the preview. Check the new preview, then import it.")


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """Content of the field ``file``, and its SHA-256, which the preview puts into the form."""

    content: bytes
    digest: str

    @property
    def is_previewed(self) -> bool:
        """Whether the form comes from the preview of this very file."""
        return request.form.get("digest") == self.digest


def read_file() -> UploadedFile:
    """The file of the present request.

    Raises:
        BadRequest: there is none, or it is empty.
    """
    file = request.files.get("file")
    content = file.read() if file else b""
    if not content:
        raise BadRequest(N_("Choose a file first."))
    return UploadedFile(content, hashlib.sha256(content).hexdigest())
