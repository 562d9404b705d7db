"""Refusals of sales."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from app.kernel.errors import BadRequest, Conflict, Forbidden, NotFound, PayloadTooLarge
from app.kernel.http.error_handlers import CONSTRAINTS
from app.kernel.messages import N_, AnyOf, Code, Message, as_message

#: Seconds after which a pending PDF is usually there.
_PDF_SECONDS = 2


class DuplicateInvoice(Conflict):
    """The number was imported before; ``data`` says whether the invoice is identical."""

    message = N_("Invoice with this invoice_no already exists.")

    def __init__(self, invoice_no: str = "LTPI-77282", invoice_id: int = 12, differences: tuple[str, ...] = ()) -> None:
        data: dict[str, Any] = {"id": invoice_id, "invoice_no": invoice_no, "identical": not differences}
        if differences:
            data["differences"] = list(differences)
        super().__init__(data=data)
        self.is_identical = not differences


class UnknownInvoice(NotFound):
    message = N_("Invoice not found.")


class NotInReview(BadRequest):
    message = N_("Validation failed")

    def __init__(self, status: str = "INVOICED") -> None:
        sentence = Message(
            N_("Invoice must be in REVIEW status to be updated. Current status: %(status)s"), status=Code(status)
        )
        super().__init__(errors={"invoice_no": [sentence]})


class ChangedMeanwhile(Conflict):
    """Somebody changed the invoice after the caller had read it."""

    message = N_("The invoice was changed after you opened it, so nothing was saved.")


class NotReturnable(BadRequest):
    message = N_("Validation failed")

    def __init__(self, status: str = "INVOICED") -> None:
        sentence = Message(
            N_(
                "Invoice can be returned to billing from PICKING, PICKED, PACKING, BOXING, PACKED or DISPATCHED only. "
                "Current status: %(status)s"
            ),
            status=Code(status),
        )
        super().__init__(errors={"invoice_no": [sentence]})


class WrongState(BadRequest):
    """The step cannot be taken from the present state of the invoice."""

    message = N_("Validation failed")

    def __init__(
        self,
        step: str = Code("picking.start", "start picking"),
        allowed: Sequence[str] = ("INVOICED",),
        status: str = "PACKED",
    ):
        sentence = Message(
            N_("Invoice must be in %(allowed)s status to %(step)s. Current status: %(status)s"),
            allowed=AnyOf(*map(Code, allowed)),
            step=step,
            status=Code(status),
        )
        super().__init__(errors={"invoice_no": [sentence]}, data={"status": status})


class WorkerBusy(Conflict):
    """The worker already has an active session in this section."""

    def __init__(
        self, worker: str = "Ravi", section: str = "PICKING", invoices: Sequence[str] = ("LTPI-77281",)
    ) -> None:
        super().__init__(
            Message(
                N_("%(worker)s already has %(invoices)s open in %(section)s."),
                worker=worker,
                invoices=", ".join(invoices),
                section=Code(section),
            ),
            data={"section": section, "invoices": list(invoices)},
        )


class AlreadyHandled(Conflict):
    """Another worker has the invoice."""

    def __init__(self, invoice_no: str = "LTPI-77282", worker: str = "Asha", section: str = "PICKING") -> None:
        super().__init__(
            Message(
                N_("%(invoice_no)s is in the hands of %(worker)s (%(section)s)."),
                invoice_no=invoice_no,
                worker=worker,
                section=Code(section),
            ),
            data={"invoice_no": invoice_no, "worker": worker, "section": section},
        )


class NobodyHasIt(Conflict):
    """No worker has the invoice; after a correction or a hold its worker may be busy with another one."""

    def __init__(self, invoice_no: str = "LTPI-77282", status: str = "PICKING") -> None:
        super().__init__(
            Message(N_("Nobody has %(invoice_no)s in hand; start it first."), invoice_no=invoice_no),
            data={"invoice_no": invoice_no, "status": status},
        )


class SomebodyElseHasIt(Forbidden):
    def __init__(self, invoice_no: str = "LTPI-77282", worker: str = "Asha") -> None:
        super().__init__(
            Message(
                N_("%(invoice_no)s is in the hands of %(worker)s; only they, billing or an admin can do this."),
                invoice_no=invoice_no,
                worker=worker,
            ),
            data={"invoice_no": invoice_no, "worker": worker},
        )


class NotAWorker(Forbidden):
    message = N_("A step of the floor is taken by a signed-in user; this credential belongs to nobody.")


class NotYourPlace(Forbidden):
    message = N_("Only billing and admins may act for another worker.")


class OnHold(Conflict):
    def __init__(self, invoice_no: str = "LTPI-77282", reason: str = "Price in dispute") -> None:
        super().__init__(
            Message(N_("%(invoice_no)s is on hold: %(reason)s"), invoice_no=invoice_no, reason=reason),
            data={"invoice_no": invoice_no, "hold_reason": reason},
        )


class NotOnHold(Conflict):
    message = N_("The invoice is not on hold.")


class TooManyInvoices(PayloadTooLarge):
    def __init__(self, most: int = 10_000) -> None:
        super().__init__(Message(N_("Send at most %(n)s invoices at once; the rest was not read."), n=most))


class AllRefused(BadRequest):
    """An atomic import in which an invoice was refused."""

    def __init__(self, report: Any = None) -> None:
        refused = len(report.undone) if report else 1
        because = report.fault.message if report and report.fault else Message(N_("%(n)s refused."), n=refused)
        super().__init__(Message(N_("Nothing was imported: %(because)s"), because=as_message(because)))
        self.report = report


class SheetFull(BadRequest):
    message = N_("A sheet holds 1,048,575 rows; narrow the filters or export as CSV.")


class PrintNotReady(NotFound):
    """The pick slip or the labels are being made, or their rendering has failed; ``reason`` says why."""

    message = N_("The PDF is not there yet.")
    keeps_evidence = True  # the row that asks a worker for it
    optional_data: ClassVar[Mapping[str, Any]] = {"reason": "No font has these characters: U+E000."}

    def __init__(self, state: str = "pending", reason: str | None = None) -> None:
        headers = {"Retry-After": str(_PDF_SECONDS)} if state == "pending" else {}
        super().__init__(data={"state": state, **({"reason": reason} if reason else {})}, headers=headers)


class UnknownQueue(NotFound):
    message = N_("Queue not found.")


class UnknownCustomer(NotFound):
    message = N_("Customer not found.")


class UnknownSalesman(NotFound):
    message = N_("Salesman not found.")


class UnknownCourier(NotFound):
    message = N_("Courier not found.")


class DuplicateCourier(Conflict):
    message = N_("A courier with this code already exists.")


class DuplicateSalesman(Conflict):
    message = N_("A salesman with this name already exists.")


CONSTRAINTS["uq_couriers_code"] = DuplicateCourier
CONSTRAINTS["uq_salesmen_name"] = DuplicateSalesman
