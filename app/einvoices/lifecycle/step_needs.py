"""Steps that an e-invoice can take now: its statuses, as ``allowed_steps`` says, and what each step needs besides.

The services refuse by this table, the page offers by it, and the documentation is tested against it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.einvoices.errors import HasCredits
from app.einvoices.lifecycle import allowed_steps, credit_notes
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.providers import sendings
from app.kernel.errors import Refusal

#: The ability of the callers who may take a step.
ABILITY = "einvoices:write"


@dataclass(frozen=True, slots=True)
class Need:
    """Something that a step needs besides the statuses.

    Attributes:
        text: the words of the documentation.
        require: raises the refusal when it is not so.
        comes_first: it is checked before the statuses, because it says more.
    """

    text: str
    require: Callable[[Einvoice], None]
    comes_first: bool = False


def _require_no_credits(einvoice: Einvoice) -> None:
    if credit_notes.has_credits(einvoice):
        raise HasCredits


def _require_no_open_credits(einvoice: Einvoice) -> None:
    if credit_notes.can_cancel_credits(einvoice):
        raise HasCredits


_NO_DOUBT = Need("no sending in doubt", sendings.require_no_doubt, comes_first=True)
_NOT_SENDING = Need("no pending sending", sendings.require_not_sending)
NEEDS: Mapping[str, tuple[Need, ...]] = {
    "change": (),
    "issue": (),
    "send": (_NOT_SENDING,),
    "correct": (_NO_DOUBT, Need("no credit that can be cancelled", _require_no_open_credits), _NOT_SENDING),
    "cancel": (_NO_DOUBT, Need("no credit", _require_no_credits), _NOT_SENDING),
    "credit": (Need("a quantity that is left", credit_notes.require_left),),
}


def require(name: str, einvoice: Einvoice) -> None:
    """Refuse a step that the e-invoice cannot take now.

    Raises:
        NotCreditable, AlreadyCorrected, WrongState: as ``allowed_steps.require``.
        InDoubt: a sending was given up in doubt.
        HasCredits: it has returns or credit notes.
        AlreadySending: a sending to the provider is pending.
        Invalid: nothing is left to credit.
    """
    for need in NEEDS[name]:
        if need.comes_first:
            need.require(einvoice)
    allowed_steps.require(name, einvoice)
    for need in NEEDS[name]:
        if not need.comes_first:
            need.require(einvoice)


def find_available(einvoice: Einvoice) -> set[str]:
    """The steps that the e-invoice can take now."""
    return {name for name in NEEDS if _is_available(name, einvoice)}


def _is_available(name: str, einvoice: Einvoice) -> bool:
    try:
        require(name, einvoice)
    except Refusal:
        return False
    return True
