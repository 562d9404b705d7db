"""Masking of log lines: secrets by their field names, secrets and e-mail addresses by their patterns."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

MASK = "***"
#: Values of fields with such names are never logged.
_SECRET_NAME = re.compile(
    r"passw|secret|token(?!_id)|authori[sz]ation|cookie|api_?key|x-api-key|signature|credentials$|^(?:phone|email)$",
    re.I,
)
#: One expression for all patterns, because it runs on every line. The named groups tell which pattern matched.
#: A pattern begins only where its run of characters begins, and quantifiers give nothing back: the time is linear in
#: the length of the text.
_PATTERNS = re.compile(
    r"(?P<scheme>(?<![\w+.-])[\w+.-]++://)[^\s/@:]*+:[^\s/@]++@"  # postgresql://user:password@host
    r"|\b(?P<bearer>Bearer|Basic)\s++[\w.~+/=-]{8,}+"
    r"|(?<![\w-])(?=[\w-]*?\beyJ)[\w-]++\.[\w-]++\.[\w-]++"  # a JSON web token
    r"|\b(?P<kind>ihub|whsec)_[\w+/=-]{8,}+"
    r"|(?<![\w.+-])(?P<lead>[.+-]*+)(?P<first>\w)[\w.+-]*+@(?P<domain>[\w-]++(?:\.[\w-]++)++)",
    re.I | re.ASCII,
)
_MAX_DEPTH = 4


def mask_text(text: str) -> str:
    """``text`` without secrets; an e-mail address keeps its first letter and its domain."""
    # Most lines contain no secret, and these substring tests are faster than the expression.
    if "@" not in text and "_" not in text and "eyJ" not in text and "earer" not in text and "asic" not in text:
        return text
    return _PATTERNS.sub(_replacement, text)


def mask_line(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask a log line; a structlog processor."""
    for name, value in line.items():
        line[name] = MASK if _may_be_secret(value) and _is_secret_field(name) else mask_value(value)
    return line


def mask_value(value: Any, depth: int = 0) -> Any:
    """``value`` with every string in it masked; below ``_MAX_DEPTH`` whole containers are masked."""
    if isinstance(value, str):
        return mask_text(value)
    if depth >= _MAX_DEPTH:
        return value if isinstance(value, int | float | bool | None) else MASK
    if isinstance(value, Mapping):
        return {
            name: MASK if _is_secret(str(name), child) else mask_value(child, depth + 1)
            for name, child in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_value(child, depth + 1) for child in value]
    return value


def _is_secret(name: str, value: Any) -> bool:
    return _may_be_secret(value) and _SECRET_NAME.search(name) is not None


def _may_be_secret(value: Any) -> bool:
    return isinstance(value, str | bytes | Mapping | list | tuple)


@lru_cache(maxsize=1024)  # the fields of log lines are named in the code, so they are few
def _is_secret_field(name: str) -> bool:
    return _SECRET_NAME.search(name) is not None


def _replacement(found: re.Match[str]) -> str:
    if found["scheme"]:
        return f"{found['scheme']}{MASK}@"
    if found["bearer"]:
        return f"{found['bearer']} {MASK}"
    if found["kind"]:
        return f"{found['kind']}_{MASK}"
    return f"{found['lead']}{found['first']}{MASK}@{found['domain']}" if found["first"] else MASK
