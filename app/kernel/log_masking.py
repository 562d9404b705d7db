"""What must not stand in a log line: secrets by the name they go by, and secrets and people by their look."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Any

MASK = "***"
#: Values under such names are never written, whatever they look like.
_SECRET_NAME = re.compile(
    r"passw|secret|token(?!_id)|authori[sz]ation|cookie|api_?key|x-api-key|signature|credentials$|^(?:phone|email)$",
    re.I,
)
#: One expression for all, because every line pays for it. The first part of what it finds tells the kinds apart.
_LOOKS = re.compile(
    r"(?P<scheme>\b[a-z][a-z0-9+.-]*://)[^\s/@:]*:[^\s/@]+@"  # postgresql://user:password@host
    r"|\b(?P<bearer>Bearer|Basic)\s+[\w.~+/=-]{8,}"
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]+"  # a JSON web token
    r"|\b(?P<kind>ihub|whsec)_[\w+/=-]{8,}"
    r"|(?P<first>[\w])[\w.+-]*@(?P<domain>[\w-]+(?:\.[\w-]+)+)",
    re.I | re.ASCII,
)
_DEEPEST = 4


def mask_text(text: str) -> str:
    """The text without secrets; of an e-mail address the first letter and the domain stay."""
    # Most lines hold none of it, and two looks for a letter are faster than one expression.
    if "@" not in text and "_" not in text and "eyJ" not in text and "earer" not in text and "asic" not in text:
        return text
    return _LOOKS.sub(_cover, text)


def mask_line(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask a whole line; a processor of structlog."""
    for name, value in line.items():
        line[name] = MASK if _is_secret(name, value) else mask_value(value)
    return line


def mask_value(value: Any, depth: int = 0) -> Any:
    """The same value with every text in it masked."""
    if isinstance(value, str):
        return mask_text(value)
    if depth >= _DEEPEST:
        return value if isinstance(value, int | float | bool | None) else MASK
    if isinstance(value, Mapping):
        return {
            name: MASK if _is_secret(str(name), held) else mask_value(held, depth + 1) for name, held in value.items()
        }
    if isinstance(value, list | tuple):
        return [mask_value(held, depth + 1) for held in value]
    return value


def _is_secret(name: str, value: Any) -> bool:
    return isinstance(value, str | bytes | Mapping | list | tuple) and _SECRET_NAME.search(name) is not None


def _cover(found: re.Match[str]) -> str:
    if found["scheme"]:
        return f"{found['scheme']}{MASK}@"
    if found["bearer"]:
        return f"{found['bearer']} {MASK}"
    if found["kind"]:
        return f"{found['kind']}_{MASK}"
    return f"{found['first']}{MASK}@{found['domain']}" if found["first"] else MASK
