"""``BrokenRule``: one broken rule of Peppol, and how values of a document are read for the rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from app.formats.xml_tree import Node

_DECIMAL = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})")


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """The id of the rule, what is wrong, and the path of the element."""

    rule: str
    message: str
    path: str
    #: Business terms of EN 16931.
    terms: tuple[str, ...] = ()


def number(node: Node | None, path: str) -> Decimal | None:
    """The number at a path; ``None`` where there is none, which the XML schema finds."""
    text = node.read(path) if node is not None else None
    return Decimal(text) if text is not None and _DECIMAL.fullmatch(text) else None


def lines(root: Node) -> Iterator[tuple[str, Node]]:
    """Each line with its path."""
    name = "CreditNoteLine" if root.name == "CreditNote" else "InvoiceLine"
    return ((f"cac:{name}[{place}]", each) for place, each in enumerate(root.all(name), 1))


def countries(root: Node) -> tuple[str | None, str | None]:
    """The countries of seller and buyer."""
    path = "Party/PostalAddress/Country/IdentificationCode"
    seller, buyer = root.find("AccountingSupplierParty"), root.find("AccountingCustomerParty")
    return seller.read(path) if seller else None, buyer.read(path) if buyer else None


def are_german(root: Node) -> bool:
    return countries(root) == ("DE", "DE")
