"""Errors of the e-invoice services, answered as 404 or 409."""

from __future__ import annotations

from app.kernel.errors import Conflict, NotFound
from app.kernel.http.error_handlers import CONSTRAINTS
from app.kernel.messages import N_, Code, Message
from app.kernel.worker.work_queue import WorkState

#: Seconds after which a pending PDF is usually there.
_PDF_SECONDS = 2


class UnknownEinvoice(NotFound):
    """No e-invoice has this id, or it belongs to another owner."""


class NoPdf(NotFound):
    """The e-invoice is a draft, or the file of its PDF is missing."""


class PdfNotReady(NotFound):
    """The PDF is not there: it is pending, or its creation has failed. A pending one is there after ``Retry-After``."""

    def __init__(self, state: str = WorkState.PENDING.value) -> None:
        headers = {"Retry-After": str(_PDF_SECONDS)} if state == WorkState.PENDING else {}
        super().__init__(data={"state": state}, headers=headers)


class WrongState(Conflict):
    code = "WRONG_STATE"

    def __init__(self, verb: str = "issued", status: str = "cancelled") -> None:
        super().__init__(
            Message(
                N_("An e-invoice in status %(status)s cannot be %(verb)s."),
                status=Code(status),
                verb=Code(f"verb.{verb}", verb),
            ),
            data={"status": status},
        )


class AlreadyCorrected(Conflict):
    message = N_("This e-invoice was rejected, and a correction took its place.")
    code = "ALREADY_CORRECTED"

    def __init__(self, corrected_by_id: int = 0) -> None:
        super().__init__(data={"corrected_by_id": corrected_by_id})


class NotCreditable(Conflict):
    message = N_("Only a sale can be returned or credited.")
    code = "NOT_A_SALE"


class HasCredits(Conflict):
    message = N_("Returns or credit notes exist for this e-invoice; cancel those first.")
    code = "HAS_CREDITS"


class InDoubt(Conflict):
    message = N_(
        "Nobody knows whether the provider has this e-invoice, because it gave no clear answer. Send it again, or "
        "settle the doubt first."
    )
    code = "IN_DOUBT"


class NotInDoubt(Conflict):
    message = N_("The sending of this e-invoice is not in doubt.")
    code = "NOT_IN_DOUBT"


class AlreadySending(Conflict):
    message = N_("This e-invoice is already on its way to the provider.")
    code = "ALREADY_SENDING"


CONSTRAINTS["ix_e_invoice_sendings_open"] = AlreadySending
