"""Code lists of EN 16931 and of GİB, read from the packages that have them as data."""

from __future__ import annotations

import json
from functools import cache
from importlib import util
from pathlib import Path
from typing import Any

from app.formats.errors import MissingCodeList


@cache
def en_codes(name: str) -> frozenset[str]:
    """A list of EN 16931: ``UNIT``, ``VATEX``, ``CURRENCY``, ``UBL_COUNTRY``, ``PAYMENT_MEANS``, ``ENDPOINT_EAS`` …"""
    codes: frozenset[str] = getattr(_en_lists(), f"{name}_CODES")
    return codes


@cache
def gib_codes(name: str) -> frozenset[str]:
    """A list of GİB: ``UnitCodeList``, ``TaxExemptionReasonCodeType``, ``WithholdingTaxTypeWithPercent`` …"""
    return frozenset(_gib_lists()[name])


@cache
def _en_lists() -> Any:
    """The module of lists without its package, whose import takes a quarter of a second."""
    file = _folder("einvoice") / "codelists.py"
    spec = util.spec_from_file_location("_code_lists_of_en_16931", file)
    if spec is None or spec.loader is None:
        raise MissingCodeList(str(file))
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def _gib_lists() -> dict[str, list[str]]:
    lists: dict[str, list[str]] = json.loads((_folder("efatura_kontrol") / "ekler/kodlar.json").read_text())["listeler"]
    return lists


def _folder(package: str) -> Path:
    found = util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingCodeList(package)
    return Path(found.submodule_search_locations[0])
