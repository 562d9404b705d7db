"""``write_inv01()``: GST INV-01 in JSON, from its canonical form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from app.formats.canonical import Identifier, Invoice, Line, Party
from app.formats.readers.inv01_reader import TAX_SUMS

_encoder = msgspec.json.Encoder(decimal_format="number")
_SCHEME = "GST"
_AMOUNTS = {"IGST": "IgstAmt", "CGST": "CgstAmt", "SGST": "SgstAmt"}


def write_inv01(form: Invoice, foreign: tuple[str, Decimal] | None = None) -> bytes:
    """The document of a form of the format ``INV01``.

    Args:
        foreign: the currency of the invoice and its total in it, if it is not in rupees.
    """
    totals = form.totals
    sums = {name: each.amount for each in form.taxes for name in (each.rows[0].type,)}
    document = {
        "Version": form.specification,
        "TranDtls": {"TaxSch": _SCHEME, "SupTyp": form.process, "RegRev": _flag(form.reverse_charge)},
        "DocDtls": {"Typ": form.type, "No": form.number, "Dt": indian_date(form.issue_date)},
        "SellerDtls": _party(form.seller),
        "BuyerDtls": _party(form.buyer),
        "ShipDtls": _party(form.delivery.party) if form.delivery and form.delivery.party else None,
        "ItemList": [_item(line) for line in form.lines],
        "ValDtls": {
            "AssVal": totals.lines,
            **{key: sums.get(name) for name, key in TAX_SUMS},
            "RndOffAmt": totals.rounding,
            "TotInvVal": totals.payable,
            "TotInvValFc": foreign[1] if foreign else None,
        },
        "PayDtls": {"PaidAmt": totals.prepaid, "PaymtDue": totals.due},
        "RefDtls": _references(form),
        "ExpDtls": {"ForCur": foreign[0]} if foreign else None,
    }
    return msgspec.json.format(_encoder.encode(_known(document)), indent=1) + b"\n"


def indian_date(text: str | None) -> str | None:
    """An ISO date as ``30/11/2026``."""
    return "/".join(reversed(text.split("-"))) if text else None


def _party(party: Party) -> dict[str, Any]:
    address, contact = party.address, party.contact
    return {
        "Gstin": party.tax_ids[0].value if party.tax_ids else None,
        "LglNm": party.name,
        "TrdNm": party.trade_name,
        "Pos": party.place_of_supply,
        "Addr1": address.street if address else None,
        "Addr2": address.additional if address else None,
        "Loc": address.city if address else None,
        "Pin": _digits(address.postcode if address else None),
        "Stcd": address.region if address else None,
        "Ph": contact.phone if contact else None,
        "Em": contact.email if contact else None,
    }


def _item(line: Line) -> dict[str, Any]:
    item = line.item
    rows = {row.type: row.amount for each in line.taxes for row in each.rows}
    return {
        "SlNo": line.id,
        "PrdDesc": item.name,
        "IsServc": _flag(item.is_service),
        "HsnCd": _value(item.classifications[0] if item.classifications else None),
        "Barcde": _value(item.gtin),
        "Qty": line.quantity,
        "Unit": line.unit,
        "UnitPrice": line.price.net,
        "TotAmt": line.gross,
        "Discount": line.price.discount,
        "AssAmt": line.net,
        "GstRt": line.tax.rate if line.tax else None,
        **{key: rows.get(name) for name, key in _AMOUNTS.items()},
        "TotItemVal": line.total,
        "OrgCntry": item.origin,
        "BchDtls": {"Nm": item.batch, "ExpDt": indian_date(item.expiry)} if item.batch else None,
    }


def _references(form: Invoice) -> dict[str, Any]:
    originals = [each for each in form.references if each.kind == "original"]
    orders = [each for each in form.references if each.kind == "order"]
    return {
        "PrecDocDtls": [{"InvNo": each.id, "InvDt": indian_date(each.date)} for each in originals],
        "ContrDtls": [{"PORefr": each.id, "PORefDt": indian_date(each.date)} for each in orders],
    }


def _known(value: Any) -> Any:
    """The value without what is missing."""
    if isinstance(value, dict):
        return {key: known for key, each in value.items() if (known := _known(each)) not in (None, {}, [])}
    return [_known(each) for each in value] if isinstance(value, list) else value


def _digits(text: str | None) -> Decimal | str | None:
    """A postcode is a number; what is none stays as it is, and the rules name it."""
    return Decimal(text) if text and text.isascii() and text.isdecimal() else text


def _flag(is_true: bool | None) -> str | None:
    return None if is_true is None else "Y" if is_true else "N"


def _value(of: Identifier | None) -> str | None:
    return of.value if of is not None else None
