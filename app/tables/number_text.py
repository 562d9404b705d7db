"""Numbers in text cells, with a decimal point or a decimal comma; what can mean two numbers is refused."""

from __future__ import annotations

import re
from decimal import Decimal

from app.kernel.messages import N_, Message

#: Spaces and apostrophes between groups of three digits.
_GROUP_SPACES = re.compile(r"(?<=\d)[\u0020\u00a0\u2007\u2009\u202f'’](?=\d{3}(?!\d))")
_SHAPE = re.compile(r"[+-]?[\d.,]{1,40}", re.ASCII)


class NotANumber(ValueError):
    """The text is no number, or can mean two numbers; the argument is the message."""


def parse_number(text: str, *, comma_locale: bool) -> Decimal:
    """The number in ``text``.

    ``12,50`` is 12.5 and ``1.250,75`` is 1250.75. ``1.250`` is 1.25 in a file of decimal points and ambiguous in a file
    that separates its cells by semicolons, as programs with a decimal comma write it; ``1,250`` is ambiguous in a file
    of decimal points.

    Raises:
        NotANumber: with a message.
    """
    shown = text.strip()
    plain = _GROUP_SPACES.sub("", shown)
    if not _SHAPE.fullmatch(plain):
        raise NotANumber(N_("A valid number is required."))
    sign, digits = ("-", plain[1:]) if plain[0] == "-" else ("", plain.removeprefix("+"))
    decimal_sign = _decimal_sign(digits, comma_locale=comma_locale, shown=shown)
    whole, fraction = digits, ""
    if decimal_sign:
        whole, _, fraction = digits.rpartition(decimal_sign)
    groups = re.split(r"[.,]", whole)
    has_groups = len(groups) > 1
    if has_groups and not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):  # noqa: PLR2004
        raise NotANumber(N_("A valid number is required."))
    joined = "".join(groups)
    if not joined.isdecimal() and not (not joined and fraction.isdecimal()):
        raise NotANumber(N_("A valid number is required."))
    if fraction and not fraction.isdecimal():
        raise NotANumber(N_("A valid number is required."))
    return Decimal(f"{sign}{joined or '0'}.{fraction or '0'}") if fraction else Decimal(f"{sign}{joined}")


def _decimal_sign(digits: str, *, comma_locale: bool, shown: str) -> str:
    """The decimal sign in ``digits``; empty when there is none."""
    points, commas = digits.count("."), digits.count(",")
    if points and commas:
        last = "." if digits.rfind(".") > digits.rfind(",") else ","
        if digits.count(last) > 1:
            raise NotANumber(N_("A valid number is required."))
        return last
    sign = "." if points else ","
    if points + commas != 1:
        return ""  # no sign at all, or several: groups of three digits
    whole, _, fraction = digits.partition(sign)
    looks_grouped = len(fraction) == 3 and 1 <= len(whole) <= 3 and whole.lstrip("0") == whole  # noqa: PLR2004
    is_foreign = (sign == ".") if comma_locale else (sign == ",")
    if looks_grouped and is_foreign:
        sentence = N_("%(text)s can mean %(whole)s or %(fraction)s. Write it without a sign between the thousands.")
        raise NotANumber(
            Message(sentence, text=shown, whole=f"{whole}{fraction}", fraction=f"{whole},{fraction}".replace(",", "."))
        )
    return sign
