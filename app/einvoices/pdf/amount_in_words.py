"""Amounts in words, in Turkish, English and India's English; invoices print them as a protection against forgery."""

from __future__ import annotations

from decimal import Decimal

from app.einvoices.currencies import CURRENCIES

_EN_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_EN_TENS = ["-", "-", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_EN_SCALES = ("", " thousand", " million", " billion", " trillion")
_INDIAN_SCALES = ((10_000_000, "crore"), (100_000, "lakh"), (1000, "thousand"))
_TR_ONES = ("", "bir", "iki", "üç", "dört", "beş", "altı", "yedi", "sekiz", "dokuz")
_TR_TENS = ("", "on", "yirmi", "otuz", "kırk", "elli", "altmış", "yetmiş", "seksen", "doksan")
_TR_SCALES = ("", "bin", "milyon", "milyar", "trilyon")
#: Language -> currency -> names of the currency and of its fraction; for every other currency the code is printed.
_NAMES: dict[str, dict[str, tuple[str, str]]] = {
    "tr": {"TRY": ("Türk lirası", "kuruş"), "USD": ("ABD doları", "sent"), "EUR": ("avro", "sent")},
    "en": {
        "TRY": ("Turkish lira", "kuruş"),
        "USD": ("US dollars", "cents"),
        "EUR": ("euros", "cents"),
        "INR": ("rupees", "paise"),
    },
}
_THOUSAND, _HUNDRED, _TEN, _TWENTY = 1000, 100, 10, 20


def in_words(amount: Decimal, currency: str, language: str) -> str:
    """``120.40`` TRY as ``Yalnız yüz yirmi Türk lirası kırk kuruş`` or ``One hundred twenty Turkish lira and …``."""
    digits = CURRENCIES[currency]
    whole = int(amount)
    fraction = int((amount - whole).scaleb(digits))
    name, part = _NAMES[language].get(currency, (currency, ""))
    spell = turkish if language == "tr" else indian_english if currency == "INR" else english
    text = f"{spell(whole)} {name}"
    if fraction:
        cents = f"{spell(fraction)} {part}" if part else f"{fraction}/{10**digits}"
        text += f" {cents}" if language == "tr" else f" and {cents}"
    return f"Yalnız {text}" if language == "tr" else text[0].upper() + text[1:]


def english(number: int) -> str:
    """Spell a whole number below a quadrillion in English."""
    if number < _THOUSAND:
        return _english_below_thousand(number)
    groups = [
        _english_below_thousand(group) + _EN_SCALES[scale] for scale, group in enumerate(_groups(number)) if group
    ]
    return " ".join(reversed(groups))


def indian_english(number: int) -> str:
    """Spell a whole number below a quadrillion with lakh (100,000) and crore (10,000,000)."""
    words = []
    for size, name in _INDIAN_SCALES:
        count, number = divmod(number, size)
        if count:
            words.append(f"{indian_english(count)} {name}")
    if number or not words:
        words.append(_english_below_thousand(number))
    return " ".join(words)


def turkish(number: int) -> str:
    """Spell a whole number below a quadrillion in Turkish; 1000 is ``bin``, never ``bir bin``."""
    if number == 0:
        return "sıfır"
    words: list[str] = []
    for scale, group in reversed(list(enumerate(_groups(number)))):
        if group and not (scale == 1 and group == 1):
            words += _turkish_below_thousand(group)
        if group and scale:
            words.append(_TR_SCALES[scale])
    return " ".join(words)


def _groups(number: int) -> list[int]:
    groups = []
    while number:
        number, group = divmod(number, _THOUSAND)
        groups.append(group)
    return groups


def _english_below_thousand(number: int) -> str:
    if number < _TWENTY:
        return _EN_SMALL[number]
    if number < _HUNDRED:
        tens, ones = divmod(number, _TEN)
        return _EN_TENS[tens] + (f"-{_EN_SMALL[ones]}" if ones else "")
    hundreds, rest = divmod(number, _HUNDRED)
    return f"{_EN_SMALL[hundreds]} hundred" + (f" {_english_below_thousand(rest)}" if rest else "")


def _turkish_below_thousand(number: int) -> list[str]:
    hundreds, rest = divmod(number, _HUNDRED)
    tens, ones = divmod(rest, _TEN)
    first = [_TR_ONES[hundreds]] if hundreds > 1 else []
    return [word for word in (*first, "yüz" if hundreds else "", _TR_TENS[tens], _TR_ONES[ones]) if word]
