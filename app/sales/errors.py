"""What sales refuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from app.kernel.errors import BadRequest, Conflict, Forbidden, NotFound, PayloadTooLarge
from app.kernel.http.error_handlers import CONSTRAINTS


class DuplicateInvoice(Conflict):
    """The number was imported before; ``data`` tells whether what was sent says the same."""

    message = "Invoice with this invoice_no already exists."

    def __init__(self, invoice_no: str = "LTPI-77282", invoice_id: int = 12, differences: tuple[str, ...] = ()) -> None:
        data: dict[str, Any] = {"id": invoice_id, "invoice_no": invoice_no, "identical": not differences}
        if differences:
            data["differences"] = list(differences)
        super().__init__(data=data)
        self.is_identical = not differences


class UnknownInvoice(NotFound):
    message = "Invoice not found."


class NotInReview(BadRequest):
    message = "Validation failed"

    def __init__(self, status: str = "INVOICED") -> None:
        sentence = f"Invoice must be in REVIEW status to be updated. Current status: {status}"
        super().__init__(errors={"invoice_no": [sentence]})


class NotReturnable(BadRequest):
    message = "Validation failed"

    def __init__(self, status: str = "INVOICED") -> None:
        sentence = (
            "Invoice can be returned to billing from PICKING, PICKED, PACKING, BOXING, PACKED or DISPATCHED only. "
            f"Current status: {status}"
        )
        super().__init__(errors={"invoice_no": [sentence]})


class WrongState(BadRequest):
    """The step cannot be taken from the state that the invoice is in."""

    message = "Validation failed"

    def __init__(self, does: str = "start picking", allowed: Sequence[str] = ("INVOICED",), status: str = "PACKED"):
        sentence = f"Invoice must be in {' or '.join(allowed)} status to {does}. Current status: {status}"
        super().__init__(errors={"invoice_no": [sentence]}, data={"status": status})


class WorkerBusy(Conflict):
    """One active session per worker and section."""

    def __init__(
        self, worker: str = "Ravi", section: str = "PICKING", invoices: Sequence[str] = ("LTPI-77281",)
    ) -> None:
        super().__init__(
            f"{worker} already has {', '.join(invoices)} open in {section}.",
            data={"section": section, "invoices": list(invoices)},
        )


class AlreadyHandled(Conflict):
    """Somebody was faster."""

    def __init__(self, invoice_no: str = "LTPI-77282", worker: str = "Asha", section: str = "PICKING") -> None:
        super().__init__(
            f"{invoice_no} is in the hands of {worker} ({section}).",
            data={"invoice_no": invoice_no, "worker": worker, "section": section},
        )


class NobodyHasIt(Conflict):
    """It waits for somebody to start: after a correction or a hold its worker may be busy elsewhere."""

    def __init__(self, invoice_no: str = "LTPI-77282", status: str = "PICKING") -> None:
        super().__init__(
            f"Nobody has {invoice_no} in hand; start it first.", data={"invoice_no": invoice_no, "status": status}
        )


class SomebodyElseHasIt(Forbidden):
    def __init__(self, invoice_no: str = "LTPI-77282", worker: str = "Asha") -> None:
        super().__init__(
            f"{invoice_no} is in the hands of {worker}; only they, billing or an admin can do this.",
            data={"invoice_no": invoice_no, "worker": worker},
        )


class NotAWorker(Forbidden):
    message = "A step of the floor is taken by a signed-in user; this credential belongs to nobody."


class NotYourPlace(Forbidden):
    message = "Only billing and admins may act for another worker."


class OnHold(Conflict):
    def __init__(self, invoice_no: str = "LTPI-77282", reason: str = "Price in dispute") -> None:
        super().__init__(f"{invoice_no} is on hold: {reason}", data={"invoice_no": invoice_no, "hold_reason": reason})


class NotOnHold(Conflict):
    message = "The invoice is not on hold."


class TooManyInvoices(PayloadTooLarge):
    def __init__(self, most: int = 10_000) -> None:
        super().__init__(f"Send at most {most} invoices at once; the rest was not read.")


class AllRefused(BadRequest):
    """All or nothing was asked for, and it is nothing."""

    def __init__(self, report: Any = None) -> None:
        refused = len(report.undone) if report else 1
        because = report.fault.message if report and report.fault else f"{refused} refused."
        super().__init__(f"Nothing was imported: {because}")
        self.report = report


class SheetFull(BadRequest):
    message = "A sheet holds 1,048,575 rows; narrow the filters or export as CSV."


class UnknownQueue(NotFound):
    message = "Queue not found."


class UnknownCustomer(NotFound):
    message = "Customer not found."


class UnknownSalesman(NotFound):
    message = "Salesman not found."


class UnknownCourier(NotFound):
    message = "Courier not found."


class DuplicateCourier(Conflict):
    message = "A courier with this code already exists."


class DuplicateSalesman(Conflict):
    message = "A salesman with this name already exists."


CONSTRAINTS["uq_couriers_code"] = DuplicateCourier
CONSTRAINTS["uq_salesmen_name"] = DuplicateSalesman
