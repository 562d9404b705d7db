"""Rules of Peppol for identifiers: check digits of the schemes in use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from stdnum import ean
from stdnum.au import abn
from stdnum.be import vat as be_vat
from stdnum.no import orgnr as no_orgnr
from stdnum.se import orgnr as se_orgnr

from app.formats.xml_tree import Node
from app.rules.peppol.broken_rules import BrokenRule

#: Scheme -> rule, name of the number, and whether it is right.
_SCHEMES: dict[str, tuple[str, str, Callable[[str], bool]]] = {
    "0088": ("PEPPOL-COMMON-R040", "GLN", lambda text: ean.calc_check_digit(text[:-1]) == text[-1]),
    "0192": ("PEPPOL-COMMON-R041", "Norwegian organization number", lambda text: bool(no_orgnr.is_valid(text))),
    "0208": ("PEPPOL-COMMON-R043", "Belgian enterprise number", lambda text: bool(be_vat.is_valid(text))),
    "0007": ("PEPPOL-COMMON-R049", "Swedish organization number", lambda text: bool(se_orgnr.is_valid(text))),
    "0151": ("PEPPOL-COMMON-R050", "Australian Business Number", lambda text: bool(abn.is_valid(text))),
}
_NAMES = frozenset({"EndpointID", "CompanyID"})
_DIGITS = re.compile(r"[0-9]{2,30}")


def broken_identifier(scheme: str, text: str) -> str | None:
    """The rule that an identifier of a scheme breaks; None if its check digit is right, or the scheme has none."""
    known = _SCHEMES.get(scheme)
    return known[0] if known is not None and not (_DIGITS.fullmatch(text) and known[2](text)) else None


def identifier_rules(root: Node, path: str = "") -> Iterator[BrokenRule]:
    """The identifiers whose check digits are wrong."""
    for each in root.children:
        inner = f"{path}/{each.name}"
        is_identifier = each.name in _NAMES or (each.name == "ID" and root.name == "PartyIdentification")
        scheme = _SCHEMES.get(each.attributes.get("schemeID", "")) if is_identifier else None
        text = each.text.strip()
        if scheme is not None and broken_identifier(each.attributes.get("schemeID", ""), text):
            yield BrokenRule(scheme[0], f"The {scheme[1]} has a wrong form or check digit.", inner)
        yield from identifier_rules(each, inner)
