"""Form of a return or credit note: the quantities that are credited, or everything that remains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from werkzeug.datastructures import MultiDict

from app.admin.forms.number_input import read_number
from app.kernel.database.sequences import read_id
from app.kernel.errors import Invalid
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.messages import N_

_PREFIX = "quantity-"


@contextmanager
def named_by_input(chosen: Mapping[str, Any]) -> Iterator[None]:
    """Name the inputs of the page in a refusal of ``chosen`` items."""
    try:
        yield
    except Invalid as refusal:
        errors = dict(refusal.errors or {})
        if not isinstance(errors.get("items"), Mapping):
            raise
        items: Mapping[Any, Any] = errors.pop("items")
        ids = [item["item_id"] for item in chosen["items"]]
        errors |= {f"{_PREFIX}{ids[int(at)]}": [*_texts(faults)] for at, faults in items.items()}
        raise Invalid(errors) from refusal


def _texts(faults: Any) -> Iterator[Any]:
    for _, texts in flatten_errors(faults):
        yield from texts


def chosen_items(form: MultiDict[str, str]) -> dict[str, Any]:
    """The items of a request of the API; without them it credits everything that remains.

    Raises:
        Invalid: neither quantities nor everything were chosen, or both.
    """
    items = [
        # No item has the id 0, so what can be no id is refused like an unknown one.
        {"item_id": read_id(name.removeprefix(_PREFIX)) or 0, "quantity": read_number(text)}
        for name, text in form.items()
        if name.startswith(_PREFIX) and text.strip()
    ]
    if bool(items) == ("everything" in form):
        raise Invalid({"items": [N_("Enter the quantities, or choose everything that remains.")]})
    return {"items": items} if items else {}
