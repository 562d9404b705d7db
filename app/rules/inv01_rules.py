"""``inv01_findings()``: fields that GST INV-01 wants, with their lengths and patterns (schema version 1.1)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

from app.kernel.messages import N_, Message
from app.rules.findings import RuleFinding, RuleSet, Severity
from app.rules.fingerprints import sources_sha256

SCHEMA = RuleSet("inv-01", "1.1", sources_sha256([Path(__file__)]))
_GSTIN = r"[0-9]{2}[0-9A-Z]{13}"
_DATE = r"(0[1-9]|[12][0-9]|3[01])/(0[1-9]|1[0-2])/20[0-9]{2}"
#: Path, pattern of a text (or the class of a number), field of the canonical form. All are mandatory.
FIELDS: tuple[tuple[str, str | type[Decimal], str], ...] = (
    ("Version", r"1\.1", "specification"),
    ("TranDtls/TaxSch", "GST", "process"),
    ("TranDtls/SupTyp", "B2B|SEZWP|SEZWOP|EXPWP|EXPWOP|DEXP", "process"),
    ("DocDtls/Typ", "INV|CRN|DBN", "type"),
    ("DocDtls/No", r"[a-zA-Z1-9/-][a-zA-Z0-9/-]{0,15}", "number"),
    ("DocDtls/Dt", _DATE, "issue_date"),
    ("SellerDtls/Gstin", _GSTIN, "seller.tax_ids"),
    ("SellerDtls/LglNm", r".{3,100}", "seller.name"),
    ("SellerDtls/Addr1", r".{1,100}", "seller.address.street"),
    ("SellerDtls/Loc", r".{3,50}", "seller.address.city"),
    ("SellerDtls/Pin", r"[1-9][0-9]{5}", "seller.address.postcode"),
    ("SellerDtls/Stcd", r"[0-9]{1,2}", "seller.address.region"),
    ("BuyerDtls/Gstin", f"URP|{_GSTIN}", "buyer.tax_ids"),
    ("BuyerDtls/LglNm", r".{3,100}", "buyer.name"),
    ("BuyerDtls/Pos", r"[0-9]{1,2}", "buyer.place_of_supply"),
    ("BuyerDtls/Addr1", r".{1,100}", "buyer.address.street"),
    ("BuyerDtls/Loc", r".{3,100}", "buyer.address.city"),
    ("BuyerDtls/Stcd", r"[0-9]{1,2}", "buyer.address.region"),
    ("ValDtls/AssVal", Decimal, "totals.lines"),
    ("ValDtls/TotInvVal", Decimal, "totals.payable"),
)
_ITEM_FIELDS: tuple[tuple[str, str | type[Decimal], str], ...] = (
    ("SlNo", r".{1,6}", "id"),
    ("IsServc", "Y|N", "item.is_service"),
    ("HsnCd", r"[0-9]{4}|[0-9]{6}|[0-9]{8}", "item.classifications"),
    ("UnitPrice", Decimal, "price.net"),
    ("TotAmt", Decimal, "gross"),
    ("AssAmt", Decimal, "net"),
    ("GstRt", Decimal, "tax.rate"),
    ("TotItemVal", Decimal, "total"),
)
_MOST_ITEMS = 1000


def inv01_findings(document: dict[str, Any]) -> list[RuleFinding]:
    """What is missing or has another form than the schema wants, at most for the first thousand items."""
    found = [each for path, form, field in FIELDS for each in _check(document, path, path, form, field)]
    items = [each for each in document["ItemList"] if isinstance(each, dict)][:_MOST_ITEMS]
    if not items or len(document["ItemList"]) > _MOST_ITEMS:
        text = Message(N_("Send 1 to %(max)s items."), max=_MOST_ITEMS)
        found.append(_finding("ItemList", text, "lines"))
    for place, item in enumerate(items):
        for name, form, field in _ITEM_FIELDS:
            found += _check(item, name, f"ItemList[{place}]/{name}", form, f"lines[{place}].{field}")
        found += _goods(item, place)
    return found


def _goods(item: dict[str, Any], place: int) -> Iterator[RuleFinding]:
    """Goods have a quantity and a unit; the code of a service begins with 99."""
    is_service = item.get("IsServc") == "Y"
    path, line = f"ItemList[{place}]", f"lines[{place}]"
    if item.get("IsServc") == "N":
        yield from _check(item, "Qty", f"{path}/Qty", Decimal, f"{line}.quantity")
        yield from _check(item, "Unit", f"{path}/Unit", r"[A-Z]{3,8}", f"{line}.unit")
    if isinstance(item.get("HsnCd"), str) and item["HsnCd"].startswith("99") is not is_service:
        text = N_("The code begins with 99 for services, and only for them.")
        yield _finding(f"{path}/HsnCd", text, f"{line}.item.classifications")


def _check(part: dict[str, Any], name: str, path: str, form: str | type[Decimal], field: str) -> Iterator[RuleFinding]:
    value: Any = part
    for key in name.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None or value == "":
        yield _finding(path, N_("This field is required."), field)
    elif isinstance(form, str):
        if not isinstance(value, str | Decimal) or not re.fullmatch(form, str(value)):
            yield _finding(path, Message(N_("The value does not have the form %(form)s."), form=form), field)
    elif not isinstance(value, Decimal) or not value.is_finite():
        yield _finding(path, N_("Send a number."), field)


def _finding(path: str, message: str, field: str) -> RuleFinding:
    hint = Message(N_("Correct %(path)s."), path=path)
    rule = path.rsplit("/", 1)[-1]
    return RuleFinding(rule=rule, severity=Severity.ERROR, message=message, field=field, path=path, hint=hint)
