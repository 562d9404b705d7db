"""Table of inputs: its lines as they were typed, and the errors of a refusal beside their inputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from werkzeug.datastructures import MultiDict

from app.admin.i18n.translate import translate
from app.kernel.errors import BadRequest, Refusal
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.messages import N_


@dataclass(slots=True)
class TableLine:
    """A line: the values as typed, and errors by field."""

    values: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)


class WrongTable(BadRequest):
    """The fields of the table do not fit together; no browser sends this."""

    message = N_("The table of items is incomplete. Load the page again.")


def records(form: MultiDict[str, str], names: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """The values of each line by name.

    Raises:
        WrongTable: a field is missing in a line.
    """
    columns = [form.getlist(name) for name in names]
    if len({len(column) for column in columns}) > 1:
        raise WrongTable
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def add_line_errors(
    lines: Sequence[TableLine], refusal: Refusal, main: str
) -> Iterator[tuple[tuple[str | int, ...], list[str]]]:
    """Put the errors of the items of a refusal beside their inputs; yield path and texts of all others.

    Args:
        main: the field that gets the errors of a line as a whole.
    """
    for path, texts in flatten_errors(refusal.errors or {"": [refusal.message]}):
        messages = [translate(text) for text in texts]
        match path:
            case ("items", number, *rest):
                line = lines[int(number)]
                name = next((str(step) for step in rest if step in line.values), main)
                line.errors.setdefault(name, []).extend(messages)
            case _:
                yield tuple(path), messages


def read_version(text: str) -> datetime:
    """The time in the version of what the form changes.

    Raises:
        WrongTable: the text is no time.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise WrongTable from error
    if moment.tzinfo is None:
        raise WrongTable
    return moment
