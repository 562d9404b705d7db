"""``canonical_bytes()``: the canonical form as JSON of RFC 8785, and its sha256."""

from __future__ import annotations

import dataclasses
import hashlib
from decimal import Decimal
from typing import Any

import rfc8785

from app.formats.canonical import Fault, Invoice

#: Raised with every change of the form; the bytes of stored invoices keep theirs.
VERSION = 1


def canonical_bytes(invoice: Invoice) -> bytes:
    """JSON by RFC 8785: no missing values, decimals as texts in their shortest form, keys in order."""
    return rfc8785.dumps({"version": VERSION, **_plain(invoice)})


def sha256(invoice: Invoice) -> str:
    """The hexadecimal hash of ``canonical_bytes()``."""
    return hashlib.sha256(canonical_bytes(invoice)).hexdigest()


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
        return {name: plain for name, each in pairs if (plain := _plain(each)) not in (None, [], {})}
    if isinstance(value, tuple):
        return [_plain(each) for each in value if not isinstance(each, Fault)]
    if isinstance(value, Decimal):
        return shortest(value)
    return str(value) if isinstance(value, str) else value


def shortest(value: Decimal) -> str:
    """The plain text of a decimal without zeros at its end: ``920.00`` becomes ``920``."""
    text = f"{value:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in {"-0", ""} else text
