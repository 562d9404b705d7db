"""Base class of forms: CSRF token, and errors of a service shown at the fields they belong to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

from flask_babel.speaklater import LazyString
from flask_wtf import FlaskForm
from wtforms.fields.choices import SelectChoice

from app.admin.i18n.translate import translate
from app.extensions import db
from app.kernel.errors import Conflict, Invalid, Refusal
from app.kernel.http.error_envelopes import flatten_errors

Result = TypeVar("Result")


class Form(FlaskForm):
    """Form of a page; ``validate_on_submit`` checks its token and its fields."""

    def add_errors(self, refusal: Refusal) -> None:
        """Add the errors of a refusal to the fields they name, else to the form as a whole."""
        for path, texts in flatten_errors(refusal.errors or {"": [refusal.message]}):
            messages = [translate(text) for text in texts]
            field = self._fields.get(str(path[0]) if path else "")
            if field is None:
                self.form_errors += messages
            else:
                field.errors = [*field.errors, *messages]


def choices(options: Mapping[str, LazyString | str] | Mapping[int, str]) -> list[SelectChoice]:
    """Choices of a select field, from value -> text."""
    return [SelectChoice(value, text) for value, text in options.items()]


def submit(form: Form, action: Callable[[], Result]) -> Result | None:
    """Run ``action`` in a savepoint and return its result, which must be truthy.

    On ``Invalid`` or ``Conflict`` the savepoint is rolled back, the form shows the errors, and the result is None.
    """
    try:
        with db.session.begin_nested():
            return action()
    except (Invalid, Conflict) as refusal:
        form.add_errors(refusal)
        return None
