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
            text = "The allowance or charge has a percentage without a base amount."
            yield BrokenRule("R041", text, inner)
        if base is not None and percent is None:
            text = "The allowance or charge has a base amount without a percentage."
            yield BrokenRule("R042", text, inner)
        is_complete = percent is not None and base is not None and amount is not None
        if is_complete and abs((amount or 0) - (base or 0) * (percent or 0) / _HUNDRED) > slack:
            text = "The amount of the allowance or charge is not the percentage of its base."
            yield BrokenRule("R040", text, inner)
        if each.read("ChargeIndicator") not in {"true", "false"}:
            text = "ChargeIndicator is neither true nor false."
            yield BrokenRule("R043", text, inner)


def _price(line: Node, path: str) -> Iterator[BrokenRule]:
    price = line.find("Price")
    if price is None:
        return
    discount = price.find("AllowanceCharge")
    if discount is not None:
        inner = f"{path}/cac:Price/cac:AllowanceCharge"
        if discount.read("ChargeIndicator") == "true":
            yield BrokenRule("R044", "A price can have a discount, but no charge.", inner)
        net, gross, amount = (
            number(price, "PriceAmount"),
            number(discount, "BaseAmount"),
            number(discount, "Amount") or Decimal(0),
        )
        if net is not None and gross is not None and net != gross - amount:
            text = "The net price is not the gross price minus its discount."
            yield BrokenRule("R046", text, inner, ("BT-146", "BT-147", "BT-148"))
    base = number(price, "BaseQuantity")
    if base is not None and base <= 0:
        yield BrokenRule(
            "R121", "The base quantity of the price must be more than zero.", f"{path}/cac:Price", ("BT-149",)
        )
    base_node, quantity = price.find("BaseQuantity"), _quantity(line)
    unit = base_node.attributes.get("unitCode") if base_node is not None else None
    if unit is not None and quantity is not None and quantity.attributes.get("unitCode") != unit:
        text = "The base quantity of the price has another unit than the quantity of the line."
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
        text = "The amount of the line does not follow from its quantity, price, allowances and charges."
        yield BrokenRule("R120", text, f"{path}/cbc:LineExtensionAmount", ("BT-131",))


def _references(line: Node, path: str) -> Iterator[BrokenRule]:
    references = list(line.all("DocumentReference"))
    if len(references) > 1:
        yield BrokenRule(
            "R100", "The line names several objects that are invoiced.", f"{path}/cac:DocumentReference", ("BT-128",)
        )
    if any(each.read("DocumentTypeCode") != "130" for each in references):
        text = "The reference of a line must be of the type 130, the object that is invoiced."
        yield BrokenRule("R101", text, f"{path}/cac:DocumentReference", ("BT-128",))


def _period(line: Node, path: str, root: Node) -> Iterator[BrokenRule]:
    """ISO dates compare as texts."""
    start, end = root.read("InvoicePeriod/StartDate"), root.read("InvoicePeriod/EndDate")
    line_start, line_end = line.read("InvoicePeriod/StartDate"), line.read("InvoicePeriod/EndDate")
    if start and line_start and line_start < start:
        text = "The period of the line begins before that of the invoice."
        yield BrokenRule("R110", text, f"{path}/cac:InvoicePeriod", ("BT-134",))
    if end and line_end and line_end > end:
        text = "The period of the line ends after that of the invoice."
        yield BrokenRule("R111", text, f"{path}/cac:InvoicePeriod", ("BT-135",))
