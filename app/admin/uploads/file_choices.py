"""What the user says about a file: its sheet and the format of its dates."""

from __future__ import annotations

from collections.abc import Mapping

from flask import request
from flask_babel import gettext, lazy_gettext
from flask_babel.speaklater import LazyString
from wtforms.fields.choices import SelectChoice

from app.admin.forms.base import choices
from app.tables.dates import DateFormat
from app.tables.layout import Choices

#: Format of the dates in the file -> its label.
_DATE_FORMATS: Mapping[str, LazyString | str] = {
    "": lazy_gettext("2026-12-31, or date cells"),
    "dd.mm.yyyy": "31.12.2026 (dd.mm.yyyy)",
    "dd/mm/yyyy": "31/12/2026 (dd/mm/yyyy)",
    "mm/dd/yyyy": "12/31/2026 (mm/dd/yyyy)",
}


def date_formats() -> list[SelectChoice]:
    """The choices of the field ``date_format``."""
    return choices(_DATE_FORMATS)


def file_choices() -> Choices:
    """The choices in the submitted form.

    Raises:
        BadRequest: there is no such date format.
    """
    date_format, sheet = request.form.get("date_format", ""), request.form.get("sheet", "").strip()
    return Choices(
        sheet or None,
        DateFormat.parse(date_format) if date_format else None,
        sheet_option=gettext("Sheet"),
        date_option=gettext("Dates in the file"),
    )
