"""Numbers in text cells, with a decimal point or a decimal comma; what can mean two numbers is refused."""

from __future__ import annotations

import re
from decimal import Decimal

from app.kernel.messages import N_, Message

#: Spaces and apostrophes between groups of three digits.
_GROUP_SPACES = re.compile(r"(?<=\d)[\u0020\u00a0\u2007\u2009\u202f'’](?=\d{3}(?!\d))")
_POINTED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_AMBIGUOUS = N_("%(text)s can mean %(whole)s or %(fraction)s. Write it without a sign between the thousands.")
_SHAPE = re.compile(r"[+-]?[\d.,]{1,40}", re.ASCII)


class NumberStyle:
    """How the numbers of a file are written, as far as its cells have shown it.

    Attributes:
        comma_locale: the file comes from a program with a decimal comma, which separates cells by semicolons.
        has_commas: a number of the file has a decimal comma.
    """

    def __init__(self, *, comma_locale: bool = False) -> None:
        self.comma_locale = comma_locale
        self.has_commas = comma_locale


class NotANumber(ValueError):
    """The text is no number, or can mean two numbers; the argument is the message."""


def parse_number(text: str, style: NumberStyle) -> Decimal:
    """The number in ``text``; a decimal comma is noted in ``style``.

    ``12,50`` is 12.5 and ``1.250,75`` is 1250.75. ``1.250`` is 1.25 in a file of decimal points and ambiguous in a file
    of decimal commas; ``1,250`` is ambiguous in a file of decimal points. A comma can stand below a ``1.250`` that was
    read: ``looks_grouped`` tells which numbers are then ambiguous.

    Raises:
        NotANumber: with a message.
    """
    shown = text.strip()
    plain = _GROUP_SPACES.sub("", shown)
    if not _SHAPE.fullmatch(plain):
        raise NotANumber(N_("A valid number is required."))
    sign, digits = ("-", plain[1:]) if plain[0] == "-" else ("", plain.removeprefix("+"))
    decimal_sign = _decimal_sign(digits, style, shown)
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
    style.has_commas = style.has_commas or decimal_sign == ","
    return Decimal(f"{sign}{joined or '0'}.{fraction or '0'}") if fraction else Decimal(f"{sign}{joined}")


def looks_grouped(text: str) -> bool:
    """Whether a point in ``text`` can be a sign between thousands: ``1.250``."""
    return bool(_POINTED.fullmatch(text.strip()))


def ambiguous(text: str) -> Message:
    """The refusal of a number that can mean two."""
    shown = text.strip()
    whole = re.sub(r"[.,]", "", shown)
    return Message(_AMBIGUOUS, text=shown, whole=whole, fraction=shown.replace(",", "."))


def _decimal_sign(digits: str, style: NumberStyle, shown: str) -> str:
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
    is_foreign = (sign == ".") if style.comma_locale else (sign == ",")
    if is_foreign and looks_grouped(digits.replace(",", ".")):
        raise NotANumber(ambiguous(shown))
    return sign
