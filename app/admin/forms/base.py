"""Forms: the fields a person fills in, and what a service refuses shown at the field that it is about."""

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
    """A form of a page; its token and its fields are checked by ``validate_on_submit``."""

    def take(self, refusal: Refusal) -> None:
        """Show a refusal at its fields, or above the form when it names none of them."""
        for path, sentences in flatten_errors(refusal.errors or {"": [refusal.message]}):
            told = [translate(text) for text in sentences]
            field = self._fields.get(str(path[0]) if path else "")
            if field is None:
                self.form_errors += told
            else:
                field.errors = [*field.errors, *told]


def choices(words: Mapping[str, LazyString | str] | Mapping[int, str]) -> list[SelectChoice]:
    """What a select offers: value -> text."""
    return [SelectChoice(value, text) for value, text in words.items()]


def accepted(form: Form, action: Callable[[], Result]) -> Result | None:
    """Run ``action``; None when it was refused, with nothing of it stored and the form telling why.

    ``action`` must answer with something; only refusals of what was typed are told here.
    """
    try:
        with db.session.begin_nested():
            return action()
    except (Invalid, Conflict) as refusal:
        form.take(refusal)
        return None
