"""Rules of Peppol for lines, prices, allowances and charges."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from app.formats.xml_tree import Node
from app.rules.peppol.broken_rules import BrokenRule, lines, number

_SLACK = Decimal("0.02")
#: Forints have no minor unit.
_SLACK_OF_FORINTS = Decimal("0.5")
_HUNDRED = Decimal(100)


def line_rules(root: Node) -> Iterator[BrokenRule]:
    """The broken rules of the lines, and of the allowances and charges of lines and document."""
    slack = _SLACK_OF_FORINTS if root.read("DocumentCurrencyCode") == "HUF" else _SLACK
    yield from _allowances(root, "", slack)
    for path, line in lines(root):
        yield from _allowances(line, f"{path}/", slack)
        yield from _price(line, path)
        yield from _net_amount(line, path, slack)
        yield from _references(line, path)
        yield from _period(line, path, root)


def _allowances(node: Node, path: str, slack: Decimal) -> Iterator[BrokenRule]:
    for place, each in enumerate(node.all("AllowanceCharge"), 1):
        inner = f"{path}cac:AllowanceCharge[{place}]"
        percent, base, amount = (number(each, name) for name in ("MultiplierFactorNumeric", "BaseAmount", "Amount"))
        if percent is not None and base is None:
            text = "Allowance/charge base amount MUST be provided when allowance/charge percentage is provided."
            yield BrokenRule("R041", text, inner)
        if base is not None and percent is None:
            text = "Allowance/charge percentage MUST be provided when allowance/charge base amount is provided."
            yield BrokenRule("R042", text, inner)
        is_complete = percent is not None and base is not None and amount is not None
        if is_complete and abs((amount or 0) - (base or 0) * (percent or 0) / _HUNDRED) > slack:
            text = "Allowance/charge amount must equal base amount * percentage/100."
            yield BrokenRule("R040", text, inner)
        if each.read("ChargeIndicator") not in {"true", "false"}:
            text = "Allowance/charge ChargeIndicator value MUST equal 'true' or 'false'."
            yield BrokenRule("R043", text, inner)


def _price(line: Node, path: str) -> Iterator[BrokenRule]:
    price = line.find("Price")
    if price is None:
        return
    discount = price.find("AllowanceCharge")
    if discount is not None:
        inner = f"{path}/cac:Price/cac:AllowanceCharge"
        if discount.read("ChargeIndicator") == "true":
            yield BrokenRule("R044", "Charge on price level is NOT allowed. Only value 'false' allowed.", inner)
        net, gross, amount = (
            number(price, "PriceAmount"),
            number(discount, "BaseAmount"),
            number(discount, "Amount") or Decimal(0),
        )
        if net is not None and gross is not None and net != gross - amount:
            text = "Item net price MUST equal (gross price - allowance amount) when gross price is provided."
            yield BrokenRule("R046", text, inner, ("BT-146", "BT-147", "BT-148"))
    base = number(price, "BaseQuantity")
    if base is not None and base <= 0:
        yield BrokenRule(
            "R121", "Base quantity MUST be a positive number above zero.", f"{path}/cac:Price", ("BT-149",)
        )
    base_node, quantity = price.find("BaseQuantity"), _quantity(line)
    unit = base_node.attributes.get("unitCode") if base_node is not None else None
    if unit is not None and quantity is not None and quantity.attributes.get("unitCode") != unit:
        text = "Unit code of price base quantity MUST be same as invoiced quantity."
        yield BrokenRule("R130", text, f"{path}/cac:Price", ("BT-150",))


def _quantity(line: Node) -> Node | None:
    return line.find("CreditedQuantity" if line.name == "CreditNoteLine" else "InvoicedQuantity")


def _net_amount(line: Node, path: str, slack: Decimal) -> Iterator[BrokenRule]:
    quantity_node = _quantity(line)
    quantity = number(line, quantity_node.name) if quantity_node is not None else Decimal(1)
    price, net = number(line, "Price/PriceAmount"), number(line, "LineExtensionAmount")
    base = number(line, "Price/BaseQuantity") or Decimal(1)
    if quantity is None or price is None or net is None:
        return
    expected = quantity * (price / base)
    for each in line.all("AllowanceCharge"):
        amount = number(each, "Amount") or Decimal(0)
        expected += amount if each.read("ChargeIndicator") == "true" else -amount
    if abs(net - expected) > slack:
        text = (
            "Invoice line net amount MUST equal (Invoiced quantity * (Item net price/item price base quantity) + "
            "Sum of invoice line charge amount - sum of invoice line allowance amount."
        )
        yield BrokenRule("R120", text, f"{path}/cbc:LineExtensionAmount", ("BT-131",))


def _references(line: Node, path: str) -> Iterator[BrokenRule]:
    references = list(line.all("DocumentReference"))
    if len(references) > 1:
        yield BrokenRule(
            "R100", "Only one invoiced object is allowed pr line.", f"{path}/cac:DocumentReference", ("BT-128",)
        )
    if any(each.read("DocumentTypeCode") != "130" for each in references):
        text = "Element Document reference can only be used for Invoice line object."
        yield BrokenRule("R101", text, f"{path}/cac:DocumentReference", ("BT-128",))


def _period(line: Node, path: str, root: Node) -> Iterator[BrokenRule]:
    """ISO dates compare as texts."""
    start, end = root.read("InvoicePeriod/StartDate"), root.read("InvoicePeriod/EndDate")
    line_start, line_end = line.read("InvoicePeriod/StartDate"), line.read("InvoicePeriod/EndDate")
    if start and line_start and line_start < start:
        text = "Start date of line period MUST be within invoice period."
        yield BrokenRule("R110", text, f"{path}/cac:InvoicePeriod", ("BT-134",))
    if end and line_end and line_end > end:
        text = "End date of line period MUST be within invoice period."
        yield BrokenRule("R111", text, f"{path}/cac:InvoicePeriod", ("BT-135",))
