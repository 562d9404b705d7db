"""Numbers of articles (GTIN) with their check digit."""

from __future__ import annotations

import re

from stdnum import ean

_LENGTHS = re.compile(r"[0-9]{8}|[0-9]{12,14}")


def is_gtin(text: str) -> bool:
    """Whether a text is a GTIN-8, GTIN-12, GTIN-13 or GTIN-14."""
    return bool(_LENGTHS.fullmatch(text)) and bool(ean.is_valid(text))
