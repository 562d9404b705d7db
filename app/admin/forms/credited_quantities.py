"""Form of a return or credit note: the quantities that are credited, or everything that remains."""

from __future__ import annotations

from typing import Any

from werkzeug.datastructures import MultiDict

from app.admin.forms.number_input import read_number
from app.kernel.errors import Invalid
from app.kernel.messages import N_

_PREFIX = "quantity-"


def chosen_items(form: MultiDict[str, str]) -> dict[str, Any]:
    """The items of a request of the API; without them it credits everything that remains.

    Raises:
        Invalid: neither quantities nor everything were chosen, or both.
    """
    items = [
        {"item_id": int(name.removeprefix(_PREFIX)), "quantity": read_number(text)}
        for name, text in form.items()
        if name.removeprefix(_PREFIX).isdecimal() and text.strip()
    ]
    if bool(items) == ("everything" in form):
        raise Invalid({"items": [N_("Enter the quantities, or choose everything that remains.")]})
    return {"items": items} if items else {}
