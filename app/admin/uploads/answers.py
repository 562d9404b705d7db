"""Answers to an uploaded file: the refused rows as a file, the next page after a success, the steps of the work."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from flask import flash, make_response, request, send_file, url_for
from werkzeug.wrappers import Response

from app.admin.helpers import redirect_with_success
from app.admin.i18n.translate import translate
from app.kernel.errors import BadRequest
from app.kernel.messages import N_
from app.tables.layout import Row
from app.tables.user_files import progress
from app.tables.user_files.progress import Report, Step
from app.tables.user_files.refused_rows import RowError, write_refused_rows


class NoRefusedRows(BadRequest):
    message = N_("No row of the file is refused.")


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def send_refused_rows(titles: Sequence[str], refused: Iterable[tuple[Row, Sequence[RowError]]]) -> Response:
    """The refused rows of a file as a workbook, each with what is wrong in the viewer's language."""
    rows = [(row.cells, " ".join(_sentences(errors))) for row, errors in refused]
    return send_sheet(write_refused_rows(titles, rows), "refused-rows.xlsx")


def send_sheet(content: bytes, name: str) -> Response:
    """A workbook to be stored by the browser."""
    return send_file(io.BytesIO(content), _XLSX, as_attachment=True, download_name=name, max_age=0)


def _sentences(errors: Sequence[RowError]) -> Iterator[str]:
    for error in errors:
        sentence = translate(error.message)
        yield f"{error.heading}: {sentence}" if error.heading else sentence


def leave_with_success(text: str, endpoint: str, **values: Any) -> Response:
    """Go to the page that shows what was stored, also when a script has sent the form."""
    if "HX-Request" not in request.headers:
        return redirect_with_success(text, endpoint, **values)
    flash(text, "good")
    response = make_response("")
    response.headers["HX-Redirect"] = url_for(endpoint, **values)
    return response


def begin(user_id: int) -> None:
    """Tell the waiting page that the file is being read."""
    progress.note(user_id, _upload_id(), Step.READ)


def reporter(user_id: int, *, is_stored: bool) -> Report:
    """Tells the waiting page how many rows are checked, or stored."""
    return progress.reporter(user_id, _upload_id(), Step.STORE if is_stored else Step.CHECK)


def _upload_id() -> str:
    return request.form.get("upload_id", "")
