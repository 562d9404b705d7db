"""Booking of receipts from an uploaded file: its preview, which stores nothing, and the booking itself."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError
from sqlalchemy import select, tuple_

from app.extensions import db
from app.grn.errors import BadFields, DuplicateReceipt
from app.grn.models.receipts import GoodsReceipt
from app.grn.receipts import service as receipts
from app.grn.receipts.item_builder import Data, StoredRows, build_item, build_rolls
from app.grn.receipts.receipt_files import NAMED, ROLL, FileReceipt, Names, find_ids, row_numbers
from app.grn.schemas.receipts import NewReceiptSchema
from app.kernel.http.error_envelopes import flatten_errors
from app.kernel.messages import N_, Message
from app.tables.layout import Row
from app.tables.user_files import progress
from app.tables.user_files.progress import Report
from app.tables.user_files.refused_rows import RowError

_schema = NewReceiptSchema()
#: Stands for a name that was not found, so that the schema checks the other fields too.
_UNKNOWN_ID = 1
#: Namespace of the external ids of receipts whose file has none: the same receipt of a file is stored once.
_NAMESPACE = uuid.UUID("0b0f2f5e-4c0e-5a52-9a0e-6a1d7c1f8a55")
_HEADINGS = {key: name for name, (key, _) in NAMED.items()}


@dataclass(slots=True)
class TableReceipt:
    """A receipt of the file: what it says, and what became or would become of it."""

    rows: str
    invoice_no: str | None
    supplier: str = ""
    items: int = 0
    rolls: int = 0
    receipt_id: int | None = None
    #: ``new``, ``present`` (stored before) or ``refused``.
    state: str = "refused"
    errors: list[RowError] = field(default_factory=list)


@dataclass(slots=True)
class _Checked:
    outcome: TableReceipt
    data: Data | None = None


def preview(found: Sequence[FileReceipt], report: Report = progress.ignore) -> list[TableReceipt]:
    """What a booking would do; nothing is stored."""
    return [checked.outcome for checked in _check_all(found, report)]


def book_in(found: Sequence[FileReceipt], report: Report = progress.ignore, *, actor: str) -> list[TableReceipt]:
    """Store the receipts that are right; the others are refused one by one."""
    outcomes = []
    ready = _check_all(found, progress.ignore)
    for number, checked in enumerate(ready):
        report(number, len(ready))
        _store(checked, actor)
        outcomes.append(checked.outcome)
    report(len(ready), len(ready))
    return outcomes


def refused_rows(
    found: Sequence[FileReceipt], outcomes: Sequence[TableReceipt]
) -> Iterator[tuple[Row, list[RowError]]]:
    """The rows of refused receipts, each with the errors that are about it or about its receipt."""
    for receipt, outcome in zip(found, outcomes, strict=True):
        by_row: dict[str, list[RowError]] = {}
        for error in outcome.errors:
            by_row.setdefault(error.rows, []).append(error)
        general = [error for error in outcome.errors if not error.rows.isdigit()]
        for row in receipt.rows if outcome.errors else ():
            yield row, by_row.get(str(row.number)) or general or outcome.errors


def _check_all(found: Sequence[FileReceipt], report: Report) -> list[_Checked]:
    names = find_ids([row for receipt in found for row in receipt.rows])
    checked = []
    for number, receipt in enumerate(found):
        report(number, len(found))
        checked.append(_check(receipt, names))
    _mark_stored(checked)
    report(len(found), len(found))
    return checked


def _check(receipt: FileReceipt, names: Names) -> _Checked:
    number = receipt.values.get("invoiceNo")
    outcome = TableReceipt(receipt.numbers, str(number) if number else None, str(receipt.values.get("supplier") or ""))
    outcome.items, outcome.rolls = len(receipt.items), sum(len(item.rolls) for item in receipt.items)
    errors = [*receipt.errors]
    if not receipt.items:
        outcome.errors = errors
        return _Checked(outcome)
    payload = _payload(receipt, names, errors)
    try:
        data: Data = _schema.load(payload)
        if not errors:
            _check_sums(data)
    except ValidationError as error:
        errors += _schema_errors(receipt, error.normalized_messages(), errors)  # type: ignore[no-untyped-call]
    except BadFields as refusal:
        errors += _schema_errors(receipt, refusal.errors or {}, errors)
    if errors:
        outcome.errors = errors
        return _Checked(outcome)
    outcome.state = "new"
    return _Checked(outcome, {"external_id": _external_id(data), **data})


def _check_sums(data: Data) -> None:
    """Compute the quantities as the booking does.

    Raises:
        BadFields: a sum is too large.
    """
    for position, entry in enumerate(data["fabric_items"]):
        path = ("fabricItemList", position, "supplierRollList")
        rolls = build_rolls(entry["rolls"], StoredRows((), "supplier_roll_no"), path)
        build_item(entry, None, position, rolls)


def _external_id(data: Data) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{data['supplier_id']}\n{data['invoice_no']}"))


def _payload(receipt: FileReceipt, names: Names, errors: list[RowError]) -> dict[str, Any]:
    """The receipt as the body of the API; names that are not found become errors."""
    items = []
    for item in receipt.items:
        rolls = [{name: row.values[name] for name in ROLL if name in row.values} for row in item.rolls]
        items.append({**_with_ids(item.values, item.rows, names, errors), "supplierRollList": rolls})
    return {**_with_ids(receipt.values, receipt.rows, names, errors), "fabricItemList": items}


def _with_ids(values: Mapping[str, Any], rows: Sequence[Row], names: Names, errors: list[RowError]) -> dict[str, Any]:
    payload = {}
    for name, value in values.items():
        if name not in NAMED:
            payload[name] = value
            continue
        ids = names[name].get(str(value).casefold(), ())
        payload[NAMED[name][0]] = ids[0] if len(ids) == 1 else _UNKNOWN_ID
        if len(ids) != 1:
            several, unknown = (
                N_("Several have the name “%(name)s”. Type the code."),
                N_("Nothing has the name or code “%(name)s”."),
            )
            errors.append(RowError(row_numbers(rows), name, Message(several if ids else unknown, name=str(value))))
    return payload


def _schema_errors(receipt: FileReceipt, messages: Any, known: Sequence[RowError]) -> Iterator[RowError]:
    """The errors of the schema at their rows; a cell that could not be read is not missing as well."""
    named = {(error.rows, error.heading) for error in known}
    for path, texts in flatten_errors(messages):
        rows, heading = _position(receipt, path)
        if (rows, heading) not in named and not any(row in named for row in _places(receipt, rows, heading)):
            for text in texts:
                yield RowError(rows, heading, text)


def _places(receipt: FileReceipt, rows: str, heading: str) -> Iterator[tuple[str, str]]:
    """The cells of one heading in all rows of a receipt or an item, if the error is about all of them."""
    if not rows.isdigit():
        yield from ((str(row.number), heading) for row in receipt.rows)


def _position(receipt: FileReceipt, path: Sequence[Any]) -> tuple[str, str]:
    match path:
        case ("fabricItemList", int(item), "supplierRollList", int(roll), name, *_):
            return str(receipt.items[item].rolls[roll].number), str(name)
        case ("fabricItemList", int(item), name, *_):
            return row_numbers(receipt.items[item].rows), _HEADINGS.get(str(name), str(name))
        case (name, *_) if name != "fabricItemList":
            return receipt.numbers, _HEADINGS.get(str(name), str(name))
        case _:
            return receipt.numbers, ""


def _mark_stored(checked: Sequence[_Checked]) -> None:
    """Find the receipts that are stored before, and those whose external id a receipt above in the file has."""
    above: set[str] = set()
    for each in checked:
        if each.data is None:
            continue
        external_id = each.data["external_id"]
        stored = _stored(each.data)
        same = stored and (stored.supplier_id, stored.invoice_no) == (each.data["supplier_id"], each.data["invoice_no"])
        each.outcome.receipt_id = stored and stored.id
        if same:
            each.outcome.state, each.data = "present", None
        elif stored or external_id in above:
            each.outcome.state, each.data = "refused", None
            each.outcome.errors = [RowError(each.outcome.rows, "externalId", DuplicateReceipt.message)]
        above.add(external_id)


def _stored(data: Data) -> Any:
    columns = (GoodsReceipt.id, GoodsReceipt.supplier_id, GoodsReceipt.invoice_no)
    condition = GoodsReceipt.external_id == data["external_id"]
    if data["external_id"] == _external_id(data):
        same = tuple_(GoodsReceipt.supplier_id, GoodsReceipt.invoice_no)
        condition |= same == (data["supplier_id"], data["invoice_no"])
    return db.session.execute(select(*columns).where(condition).order_by(GoodsReceipt.id).limit(1)).one_or_none()


def _store(checked: _Checked, actor: str) -> None:
    """Store a receipt that was right a moment ago."""
    if checked.data is None:
        return
    try:
        with db.session.begin_nested():
            checked.outcome.receipt_id = receipts.receive(checked.data, actor=actor).id
    except DuplicateReceipt:  # somebody else stored it meanwhile
        _mark_stored([checked])
    except BadFields as refusal:  # somebody deleted a supplier, a fabric or an order meanwhile
        checked.outcome.state = "refused"
        texts = [text for _, texts in flatten_errors(refusal.errors or {}) for text in texts]
        checked.outcome.errors = [RowError(checked.outcome.rows, "", text) for text in texts]
