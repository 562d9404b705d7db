"""Tax numbers: their check digits, and the scheme that a number has by its form."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

from stdnum.eu import vat as eu_vat
from stdnum.in_ import gstin
from stdnum.tr import tckimlik, vkn

from app.kernel.messages import N_


class TaxScheme(StrEnum):
    """What a tax number is."""

    VKN = "vkn"
    TCKN = "tckn"
    GSTIN = "gstin"
    #: A VAT number with the prefix of its country.
    VAT = "vat"
    OTHER = "other"


NO_ENDPOINT_SCHEME = N_("An electronic address and its scheme belong together: name both or none.")
#: The number of a consumer in Türkiye who gave none; it has no valid check digit.
CONSUMER = "11111111111"
#: Prefixes of VAT numbers in the EU; Greece writes EL.
_EU = frozenset(
    "AT BE BG CY CZ DE DK EE EL ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
_VAT = re.compile(r"[A-Z]{2}[0-9A-Z+*]{2,13}")


def _is_vat(text: str) -> bool:
    if not _VAT.fullmatch(text):
        return False
    return bool(eu_vat.is_valid(text)) if text[:2] in _EU else True


def _is_tckn(text: str) -> bool:
    return text == CONSUMER or bool(tckimlik.is_valid(text))


_CHECKS: Mapping[str, Callable[[str], bool]] = {
    TaxScheme.VKN: lambda text: bool(vkn.is_valid(text)),
    TaxScheme.TCKN: _is_tckn,
    TaxScheme.GSTIN: lambda text: bool(gstin.is_valid(text)),
    TaxScheme.VAT: _is_vat,
    TaxScheme.OTHER: lambda _text: True,
}
_NAMES: Mapping[str, str] = {
    TaxScheme.VKN: N_("This is no VKN: ten digits with a check digit."),
    TaxScheme.TCKN: N_("This is no TCKN: eleven digits with check digits."),
    TaxScheme.GSTIN: N_("This is no GSTIN: fifteen characters with a check character."),
    TaxScheme.VAT: N_("This is no VAT number: two letters of the country, then the number with its check digits."),
}


def compact(text: str) -> str:
    """The number without spaces and signs."""
    return re.sub(r"[^0-9A-Za-z+*]", "", text).upper()


def is_valid(scheme: str, text: str) -> bool:
    """Whether a number has the form and the check digits of its scheme."""
    return _CHECKS[scheme](compact(text))


def fault_of(scheme: str | None, text: str) -> str | None:
    """Why a number does not fit its scheme; None if it does, or if there is no number or no scheme."""
    return _NAMES[scheme] if scheme and text.strip() and not is_valid(scheme, text) else None


def scheme_of(text: str, country: str | None) -> TaxScheme | None:
    """The scheme of a number whose owner named none; None if its form leaves it open."""
    number = compact(text)
    for scheme, of_country in ((TaxScheme.VKN, "TR"), (TaxScheme.TCKN, "TR"), (TaxScheme.GSTIN, "IN")):
        if country in {None, of_country} and is_valid(scheme, number):
            return scheme
    return TaxScheme.VAT if country and number[:2] in {country, _vat_prefix(country)} and _is_vat(number) else None


def vat_number(scheme: str, text: str, country: str | None) -> str | None:
    """The number with the prefix of its country, as EN 16931 wants it; None if the country is not known."""
    number = compact(text)
    if scheme == TaxScheme.VAT:
        return number
    known = {TaxScheme.VKN: "TR", TaxScheme.TCKN: "TR", TaxScheme.GSTIN: "IN"}.get(TaxScheme(scheme), country)
    return f"{_vat_prefix(known)}{number}" if known and number else None


def _vat_prefix(country: str) -> str:
    return "EL" if country == "GR" else country
