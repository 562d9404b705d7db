"""What GST INV-01 needs, by the same table of fields as the check of its documents."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from stdnum.in_ import gstin

from app.formats.canonical import Address, Invoice, Line, Party, Tax
from app.kernel.messages import N_, Message
from app.rules.findings import RuleFinding
from app.rules.inv01_rules import FIELDS
from app.rules.readiness.rule_gaps import REQUIRED, gap, odd_decimals

_RUPEE = "INR"
_MILL = Decimal("0.001")
_HSN = re.compile(r"[0-9]{4}|[0-9]{6}|[0-9]{8}")
_SHORTEST, _LONGEST = 3, 300
_BATCH = range(3, 21)
_DOMESTIC, _ABROAD, _HOME = frozenset({None, "B2B"}), "96", "IN"
#: Fields of the table that the document gets by itself, or that have rules of their own here.
_OWN = frozenset({"specification", "process", "type", "issue_date", "totals.lines", "totals.payable"})
_TAX_IDS = ".tax_ids"


def indian_gaps(invoice: Invoice) -> Iterator[RuleFinding]:
    """What an invoice lacks for INV-01."""
    for path, form, field in FIELDS:
        if field not in _OWN and not field.endswith(_TAX_IDS) and isinstance(form, str):
            yield from _field(invoice, path, form, field)
    yield from _numbers(invoice)
    if invoice.tax_rule != "gst_item":
        yield gap("gst_item", "tax_rule", N_("INV-01 wants the taxes of each item: set the tax rule gst_item."))
    if invoice.currency != _RUPEE and invoice.exchange_rate is None:
        text = N_("An invoice in another currency needs the exchange rate to the rupee.")
        yield gap("ExchRt", "exchange_rate", text)
    if invoice.withholdings:
        yield gap("TaxSch", "withholdings", N_("The format has no withholding of VAT."))
    if any(each.is_charge for each in invoice.allowances):
        yield gap("OthChrg", "allowances", N_("The format has no charges before tax; add an item for them."))
    originals = [each for each in invoice.references if each.kind == "original"]
    if invoice.is_credit_note and not any(each.id and each.date for each in originals):
        yield gap("PrecDocDtls", "references", path="RefDtls/PrecDocDtls")
    for place, line in enumerate(invoice.lines):
        yield from _line(line, place)
    yield from odd_decimals(invoice, "TotInvVal")


def _numbers(invoice: Invoice) -> Iterator[RuleFinding]:
    for name, party, path in (
        ("seller", invoice.seller, "SellerDtls/Gstin"),
        ("buyer", invoice.buyer, "BuyerDtls/Gstin"),
    ):
        number = _gstin(party)
        if number is None and (name == "seller" or invoice.supply_type in _DOMESTIC) and not _is_abroad(party):
            yield gap("Gstin", f"{name}.tax_ids", path=path)
        elif number is not None and not gstin.is_valid(number):
            yield gap("Gstin", f"{name}.tax_ids", N_("The check digit of the number is wrong."), path=path)
        region = (party.address or Address()).region
        if number is not None and region is not None and region != number[:2] and not _is_abroad(party):
            text = N_("The state is not the one of the GSTIN, which begins with its code.")
            yield gap("Stcd", f"{name}.address.region", text, path=path.replace("Gstin", "Stcd"))


def _field(invoice: Invoice, path: str, form: str, field: str) -> Iterator[RuleFinding]:
    value = _value(invoice, field)
    rule = path.rsplit("/", 1)[-1]
    if not value:
        yield gap(rule, field, REQUIRED, path=path)
    elif not re.fullmatch(form, value[:100] if ".name" in field else value):
        yield gap(rule, field, Message(N_("The value does not have the form %(form)s."), form=form), path=path)


def _value(invoice: Invoice, field: str) -> str | None:
    """The text of a field; states that follow from a GSTIN, and places abroad, are not asked for."""
    side, _, name = field.partition(".")
    party: Party = getattr(invoice, side) if side in {"seller", "buyer"} else Party()
    number = _gstin(party)
    if name in {"address.region", "place_of_supply"}:
        state = _ABROAD if _is_abroad(party) else (number or "")[:2] or (party.address or Address()).region
        return party.place_of_supply or state if name == "place_of_supply" else state
    if name == "address.postcode" and _is_abroad(party):
        return "999999"
    value = invoice if side not in {"seller", "buyer"} else party
    for step in (name or side).split("."):
        value = getattr(value, step, None)  # type: ignore[assignment]
    return None if value is None else str(value)


def _gstin(party: Party) -> str | None:
    return next((each.value for each in party.tax_ids if each.scheme == "GSTIN"), None)


def _is_abroad(party: Party) -> bool:
    return party.address is not None and party.address.country not in {None, _HOME}


def _line(line: Line, place: int) -> Iterator[RuleFinding]:
    name, path = f"lines[{place}]", f"ItemList[{place}]"
    code = next((each.value for each in line.item.classifications if each.scheme == "HSN"), None)
    if code is None:
        yield gap("HsnCd", f"{name}.item.classifications", path=f"{path}/HsnCd")
    elif not _HSN.fullmatch(code):
        yield gap("HsnCd", f"{name}.item.classifications", N_("An HSN code has 4, 6 or 8 digits."))
    is_service = bool(line.item.is_service)
    if code is not None and line.item.is_service is not None and code.startswith("99") is not is_service:
        text = N_("The code begins with 99 for services, and only for them.")
        yield gap("HsnCd", f"{name}.item.is_service", text, path=f"{path}/IsServc")
    is_good = not (is_service or (code or "").startswith("99"))
    if is_good and not line.unit:
        yield gap("Unit", f"{name}.unit", path=f"{path}/Unit")
    if line.quantity is not None and line.quantity != line.quantity.quantize(_MILL):
        text = N_("The format has quantities with at most three decimals.")
        yield gap("Qty", f"{name}.quantity", text, path=f"{path}/Qty")
    if not _SHORTEST <= len(line.item.name or "") <= _LONGEST:
        text = Message(N_("Length must be between %(min)s and %(max)s."), min=_SHORTEST, max=_LONGEST)
        yield gap("PrdDesc", f"{name}.item.name", text, path=f"{path}/PrdDesc")
    if line.item.batch is not None and len(line.item.batch) not in _BATCH:
        text = Message(N_("Length must be between %(min)s and %(max)s."), min=_BATCH[0], max=_BATCH[-1])
        yield gap("Nm", f"{name}.item.batch", text, path=f"{path}/BchDtls/Nm")
    if (line.tax or Tax()).rate is None:
        yield gap("GstRt", f"{name}.tax.rate", path=f"{path}/GstRt")
