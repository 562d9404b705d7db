"""Errors of goods receipts: the refusals that services raise and the API answers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.kernel.errors import BadRequest, Conflict, Invalid, NotFound
from app.kernel.http.error_handlers import CONSTRAINTS
from app.kernel.messages import N_, Code, Message, as_message

#: Seconds after which a client should ask again for a PDF that is being rendered.
_RETRY = 2
#: Path of a wrong value in the payload, the value, and the message.
Fault = tuple[tuple[str | int, ...], Any, str]


class BadFields(Invalid):
    """Field errors that are found after the schema validation; the error envelope repeats the rejected values."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        errors: dict[Any, Any] = {}
        payload: dict[Any, Any] = {}
        for path, value, sentence in faults:
            _put(errors, path, [sentence])
            _put(payload, path, value)
        super().__init__(errors, payload=payload)


def _put(tree: dict[Any, Any], path: tuple[str | int, ...], leaf: Any) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
    tree[path[-1]] = leaf


class Duplicate(Conflict):
    """Another row has the same id or ``externalId``; ``data`` holds its id where it is known."""

    message = N_("It exists already.")
    code = "DUPLICATE"


class DuplicateReceipt(Duplicate):
    message = N_("Another receipt already carries this externalId.")

    def __init__(self, receipt_id: int = 98) -> None:
        super().__init__(data={"id": receipt_id})


class DuplicateMaster(Duplicate):
    message = N_("Another row already carries this id or externalId.")

    def __init__(self, master_id: int = 1) -> None:
        super().__init__(data={"id": master_id})


class StillInUse(Conflict):
    message = N_("Others still refer to it; remove those first.")


class ItemsInUse(Conflict):
    """A PUT would remove fabric items that have ledger rows; ``data`` lists their ids."""

    message = N_("A fabric item that was left out has ledger rows; remove those first.")

    def __init__(self, item_ids: Iterable[int] = (126,)) -> None:
        super().__init__(data={"fabricItemIds": list(item_ids)})


class AssociationsAreReplaced(Conflict):
    message = N_("An association is not removed by itself: PUT the ledgers without it.")


class UnknownReceipt(NotFound):
    message = N_("Invoice not found.")


class UnknownItem(NotFound):
    message = N_("Fabric item not found in this invoice.")


class UnknownRoll(NotFound):
    message = N_("Roll not found in this fabric item.")


class UnknownRow(NotFound):
    message = N_("Ledger row not found in this fabric item.")


class UnknownMaster(NotFound):
    message = N_("Not found.")


class NoRolls(NotFound):
    message = N_("This receipt has no rolls, and so no labels.")


class UnknownLabelPrint(NotFound):
    message = N_("These labels are not kept any more; choose the rolls again.")


class PaperNotMade(NotFound):
    """The PDF is not rendered yet, is outdated, or has failed. A request moves it to the front of the queue."""

    keeps_evidence = True
    optional_data = {"reason": "The note has 12,000 lines."}

    def __init__(self, kind: str = "note", state: str = "pending", error: str | None = None) -> None:
        sentence = Message(
            N_("The PDF (%(kind)s) is being made; ask again in %(n)s seconds."),
            kind=Code(f"paper.{kind}", kind),
            n=_RETRY,
        )
        if state == "failed":
            sentence = Message(
                N_("The PDF (%(kind)s) could not be made: %(error)s POST here to try again."),
                kind=Code(f"paper.{kind}", kind),
                error=as_message(error or ""),
            )
        data = {"state": state, **({"reason": error} if error else {})}
        super().__init__(sentence, data=data, headers={} if state == "failed" else {"Retry-After": str(_RETRY)})


class UnreadableFile(BadRequest):
    message = N_("The file cannot be read as CSV (UTF-8) or XLSX.")


#: Unique constraints that fail when two requests store the same row at once; the id of the other row is unknown.
CONSTRAINTS["uq_goods_receipts_external_id"] = Duplicate
for _table in ("suppliers", "fabrics", "products", "production_orders", "flow_infos", "flow_parts"):
    CONSTRAINTS[f"uq_{_table}_external_id"] = CONSTRAINTS[f"pk_{_table}"] = Duplicate
