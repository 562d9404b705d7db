"""Reading of single values: decimals, dates and codes of an element, with a list of what could not be read."""

from __future__ import annotations

import re
from decimal import Decimal

from app.formats.canonical import Fault
from app.formats.xml_tree import Node

#: ``xsd:decimal`` with a length that exact arithmetic bears.
_DECIMAL = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})")
_SHOWN = 60
#: Currencies without a minor unit; the forint has one by ISO 4217, and no coins of it.
WHOLE_CURRENCIES = frozenset(
    {"BIF", "CLP", "DJF", "GNF", "HUF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF"}
    | {"XPF"}
)
_DECIMALS = 2
#: Names of item attributes (BG-32) for what EN 16931 has no field for.
BATCH, EXPIRY = "Batch number", "Expiry date"


class ValueReader:
    """Reads values of a document and collects the faults."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def decimal(self, node: Node | None, path: str) -> Decimal | None:
        """The number at ``path`` below ``node``."""
        text = node.read(path) if node is not None else None
        return self.parse(text, f"{node.name}/{path}") if node is not None and text is not None else None

    def parse(self, text: str, path: str) -> Decimal | None:
        """The number that ``text`` writes."""
        if _DECIMAL.fullmatch(text):
            return Decimal(text)
        self.faults.append(Fault(path=path, value=text[:_SHOWN]))
        return None


def least_decimals(currency: str | None) -> int:
    """How many decimals an amount of this currency has at least."""
    return 0 if currency in WHOLE_CURRENCIES else _DECIMALS


def is_true(text: str | None) -> bool:
    """Whether an ``xsd:boolean`` is true."""
    return text in {"true", "1"}


def iso_date(text: str | None) -> str | None:
    """An ISO date from ``20261130`` (CII) or ``30/11/2026`` (INV-01); any other text as it is."""
    if text is None:
        return None
    if re.fullmatch(r"\d{8}", text):
        return f"{text[:4]}-{text[4:6]}-{text[6:]}"
    if re.fullmatch(r"\d{2}/\d{2}/\d{4}", text):
        return f"{text[6:]}-{text[3:5]}-{text[:2]}"
    return text
