"""``read_inv01()``: India's GST INV-01 in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn

from app.formats.canonical import (
    Address,
    Contact,
    Fault,
    Format,
    Identifier,
    Invoice,
    Item,
    Line,
    Party,
    Price,
    Reference,
    Tax,
    TaxTotal,
    Totals,
)
from app.formats.errors import UnreadableDocument
from app.formats.values import iso_date
from app.kernel.messages import N_, Message

#: Tax type, its rate in an item, its amount in an item, its sum in ``ValDtls``.
ITEM_TAXES = (
    ("IGST", "GstRt", "IgstAmt"),
    ("CGST", "GstRt", "CgstAmt"),
    ("SGST", "GstRt", "SgstAmt"),
    ("CESS", "CesRt", "CesAmt"),
    ("CESS_FIXED", "", "CesNonAdvlAmt"),
    ("STATE_CESS", "StateCesRt", "StateCesAmt"),
    ("STATE_CESS_FIXED", "", "StateCesNonAdvlAmt"),
)
TAX_SUMS = (
    ("IGST", "IgstVal"),
    ("CGST", "CgstVal"),
    ("SGST", "SgstVal"),
    ("CESS", "CesVal"),
    ("STATE_CESS", "StCesVal"),
)
MAX_BYTES = 8 * 1024 * 1024
#: An invoice of 3,000 items has about 120,000 values.
MAX_VALUES = 200_000
_MAX_DIGITS = 30
_SHOWN = 60


def parse_inv01(content: bytes) -> dict[str, Any]:
    """The object in ``content``; a list with one object, as the portals write it, is that object.

    Raises:
        UnreadableDocument: this is no JSON object, or it is too large or too deep.
    """
    if len(content) > MAX_BYTES:
        raise UnreadableDocument(Message(N_("The document has more than %(n)s bytes."), n=MAX_BYTES))
    if content.count(b",") + content.count(b"{") + content.count(b"[") > MAX_VALUES:
        raise UnreadableDocument(Message(N_("The document has more than %(n)s values."), n=MAX_VALUES))
    try:
        document = json.loads(content, parse_float=_number, parse_int=_number, parse_constant=_refuse_constant)
        _require_characters(document)
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument(N_("The document is no valid JSON.")) from error
    if isinstance(document, list) and len(document) == 1:
        document = document[0]
    if not isinstance(document, dict) or not isinstance(document.get("ItemList"), list):
        _refuse(N_("The JSON document is no invoice of the schema INV-01."))
    return document


def _require_characters(document: Any) -> None:
    """Raise ``ValueError`` for half of a surrogate pair, which the reader of the library accepts and UTF-8 has not."""
    waiting = [document]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str):
            value.encode()


def read_inv01(document: dict[str, Any]) -> Invoice:
    """The invoice in an INV-01 document. Values that cannot be read are ``faults``."""
    reader = _Reader()
    head, sums = _part(document, "DocDtls"), _part(document, "ValDtls")
    type_ = _text(head, "Typ")
    order = next(iter(_parts(_part(document, "RefDtls"), "ContrDtls")), {})
    return Invoice(
        format=Format.INV01,
        specification=_text(document, "Version"),
        process=_text(_part(document, "TranDtls"), "SupTyp"),
        number=_text(head, "No"),
        type=type_,
        is_credit_note=type_ == "CRN",
        issue_date=iso_date(_text(head, "Dt")),
        currency="INR",
        references=tuple(_references(document, order)),
        seller=_party(_part(document, "SellerDtls")),
        buyer=_party(_part(document, "BuyerDtls")),
        lines=tuple(
            reader.line(each, f"ItemList/{place}") for place, each in enumerate(_parts(document, "ItemList"), 1)
        ),
        taxes=tuple(
            TaxTotal(amount=amount, currency="INR", rows=(Tax(type=name, amount=amount),))
            for name, key in TAX_SUMS
            if (amount := reader.number(sums, key, "ValDtls")) is not None
        ),
        totals=Totals(
            lines=reader.number(sums, "AssVal", "ValDtls"),
            allowances=reader.number(sums, "Discount", "ValDtls"),
            charges=reader.number(sums, "OthChrg", "ValDtls"),
            rounding=reader.number(sums, "RndOffAmt", "ValDtls"),
            prepaid=reader.number(_part(document, "PayDtls"), "PaidAmt", "PayDtls"),
            payable=reader.number(sums, "TotInvVal", "ValDtls"),
            due=reader.number(_part(document, "PayDtls"), "PaymtDue", "PayDtls"),
        ),
        faults=tuple(reader.faults),
    )


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def number(self, part: dict[str, Any], key: str, path: str) -> Decimal | None:
        value = part.get(key) if key else None
        if value is None or (isinstance(value, Decimal) and value.is_finite()):
            return value
        self.faults.append(Fault(path=f"{path}/{key}", value=str(value)[:_SHOWN]))
        return None

    def line(self, part: dict[str, Any], path: str) -> Line:
        rows = [
            Tax(type=name, rate=self.number(part, rate, path), base=self.number(part, "AssAmt", path), amount=amount)
            for name, rate, key in ITEM_TAXES
            if (amount := self.number(part, key, path)) is not None
        ]
        batch = _part(part, "BchDtls")
        code = _text(part, "HsnCd")
        return Line(
            id=_text(part, "SlNo"),
            quantity=self.number(part, "Qty", path),
            unit=_text(part, "Unit"),
            price=Price(net=self.number(part, "UnitPrice", path), discount=self.number(part, "Discount", path)),
            gross=self.number(part, "TotAmt", path),
            net=self.number(part, "AssAmt", path),
            total=self.number(part, "TotItemVal", path),
            other_charges=self.number(part, "OthChrg", path),
            tax=Tax(type="GST", rate=self.number(part, "GstRt", path)),
            taxes=(TaxTotal(currency="INR", rows=tuple(rows)),),
            item=Item(
                name=_text(part, "PrdDesc"),
                gtin=Identifier(value=barcode) if (barcode := _text(part, "Barcde")) else None,
                classifications=(Identifier(value=code, scheme="HSN"),) if code else (),
                origin=_text(part, "OrgCntry"),
                batch=_text(batch, "Nm"),
                expiry=iso_date(_text(batch, "ExpDt")),
                is_service=service == "Y" if (service := _text(part, "IsServc")) else None,
            ),
        )


def _number(text: str) -> Decimal:
    """The exact number; one that no invoice has is no number."""
    try:
        number = Decimal(text)
    except InvalidOperation:  # its exponent has twenty digits
        return Decimal("NaN")
    return number if abs(number.adjusted()) <= _MAX_DIGITS and len(text) <= 2 * _MAX_DIGITS else Decimal("NaN")


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(text)


def _refuse(text: str) -> NoReturn:
    raise UnreadableDocument(text)


def _part(document: dict[str, Any], key: str) -> dict[str, Any]:
    part = document.get(key)
    return part if isinstance(part, dict) else {}


def _parts(document: dict[str, Any], key: str) -> list[dict[str, Any]]:
    parts = document.get(key)
    return [each for each in parts if isinstance(each, dict)] if isinstance(parts, list) else []


def _text(part: dict[str, Any], key: str) -> str | None:
    value = part.get(key)
    return str(value) or None if isinstance(value, str | Decimal) else None


def _references(document: dict[str, Any], order: dict[str, Any]) -> Iterator[Reference]:
    if number := _text(order, "PORefr"):
        yield Reference(kind="order", id=number, date=iso_date(_text(order, "PORefDt")))
    for each in _parts(_part(document, "RefDtls"), "PrecDocDtls"):
        if number := _text(each, "InvNo"):
            yield Reference(kind="original", id=number, date=iso_date(_text(each, "InvDt")))


def _party(part: dict[str, Any]) -> Party:
    gstin = _text(part, "Gstin")
    return Party(
        name=_text(part, "LglNm"),
        trade_name=_text(part, "TrdNm"),
        tax_ids=(Identifier(value=gstin, scheme="GSTIN"),) if gstin else (),
        place_of_supply=_text(part, "Pos"),
        address=Address(
            street=_text(part, "Addr1"),
            additional=_text(part, "Addr2"),
            city=_text(part, "Loc"),
            postcode=_text(part, "Pin"),
            region=_text(part, "Stcd"),
        ),
        contact=Contact(phone=_text(part, "Ph"), email=_text(part, "Em")),
    )
