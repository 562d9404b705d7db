"""What sales refuses."""

from __future__ import annotations

from typing import Any

from app.kernel.errors import BadRequest, Conflict, NotFound


class DuplicateInvoice(Conflict):
    """The number was imported before; ``data`` tells whether what was sent says the same."""

    message = "Invoice with this invoice_no already exists."

    def __init__(self, invoice_no: str = "LTPI-77282", invoice_id: int = 12, differences: tuple[str, ...] = ()) -> None:
        data: dict[str, Any] = {"id": invoice_id, "invoice_no": invoice_no, "identical": not differences}
        if differences:
            data["differences"] = list(differences)
        super().__init__(data=data)


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
