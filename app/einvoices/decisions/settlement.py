"""Settlement of doubts: a person asked the provider, and says whether it has the e-invoice."""

from __future__ import annotations

from typing import Any

from app.accounts import audit
from app.accounts.ownership import Scope
from app.einvoices.decisions import decision_checks
from app.einvoices.errors import AlreadySending, NotInDoubt
from app.einvoices.events import record
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.work import CheckState, EinvoiceSending
from app.einvoices.providers import doubt, outcomes, sendings
from app.einvoices.queries import change_clock
from app.einvoices.queries.lookup import find_for_update
from app.einvoices.status import OwnWord
from app.kernel.errors import Invalid
from app.kernel.messages import N_
from app.kernel.worker.work_queue import WorkState

_SAYS_IT_HAS_IT = N_("The provider says that it has the e-invoice.")


def settle(einvoice_id: int, *, taken: bool, reason: str, scope: Scope, actor: str) -> Einvoice:
    """Settle a doubt by the decision of a person who asked the provider; the hub checks it later.

    A decision that the provider contradicted, or that could not be checked, is made again in the same way.

    Args:
        taken: whether the provider has the e-invoice.

    Raises:
        UnknownEinvoice: the e-invoice does not exist in this scope.
        AlreadySending: a sending is pending, so the hub itself still tries to find out.
        NotInDoubt: no sending was given up in doubt, none in doubt waits for a person, and no decision is disputed.
        Invalid: the provider said that it has the e-invoice.
    """
    einvoice = find_for_update(einvoice_id, scope)
    facts = {"reason": reason, "actor": actor}
    if (row := sendings.find_doubtful(einvoice)) is not None:
        _decide(einvoice, row, taken=taken, **facts)
    elif (row := decision_checks.find_disputed(einvoice)) is not None:
        _decide_again(einvoice, row, taken=taken, **facts)
    else:
        raise AlreadySending if sendings.is_being_sent(einvoice) else NotInDoubt
    audit.record(
        "einvoice.doubt_settled",
        actor=actor,
        subject=f"einvoice:{einvoice.id}",
        owner_id=einvoice.owner_id,
        taken=taken,
        reason=reason,
    )
    return einvoice


def _decide(einvoice: Einvoice, row: EinvoiceSending, *, taken: bool, **facts: Any) -> None:
    doubt.close(row, WorkState.DONE if taken else WorkState.FAILED)
    decision_checks.begin(row)
    _apply(einvoice, taken=taken, **facts)


def _decide_again(einvoice: Einvoice, row: EinvoiceSending, *, taken: bool, **facts: Any) -> None:
    if not taken and row.error == decision_checks.THERE:
        raise Invalid({"taken": [_SAYS_IT_HAS_IT]})
    was_taken, was_checked = row.state == WorkState.DONE, row.check_state == CheckState.CONTRADICTED
    doubt.close(row, WorkState.DONE if taken else WorkState.FAILED)
    row.check_state = row.error = None
    if not was_checked:
        decision_checks.begin(row)
    if taken == was_taken or not decision_checks.is_present(einvoice, row):
        einvoice.updated_at = change_clock.stamp()
        record(einvoice, "doubt_settled", taken=taken, **facts)
        return
    if not taken:
        outcomes.take_back(einvoice)
    _apply(einvoice, taken=taken, **facts)


def _apply(einvoice: Einvoice, *, taken: bool, **facts: Any) -> None:
    if not taken:
        outcomes.record_not_taken(einvoice, **facts)
        return
    if einvoice.provider_status in outcomes.UNANSWERED:
        einvoice.provider_status = OwnWord.TAKEN.value
    outcomes.record_taken(einvoice, taken=True, **facts)
