"""What legal documents need of a supplier: the names of these facts, and the check that they fit each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from app.formats.tax_numbers import NO_ENDPOINT_SCHEME, fault_of
from app.grn.errors import BadFields, Fault

NAMES = (
    *("tax_id", "tax_scheme", "tax_office", "street", "district", "city", "region", "postcode", "country"),
    *("endpoint", "endpoint_scheme"),
)


def of(columns: Iterable[str]) -> list[str]:
    """Those of the columns of a master that are legal facts: a replacement that leaves them out keeps them."""
    return [name for name in columns if name in NAMES]


def checked(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a master, in which blank legal facts are none; masters other than suppliers have no such facts.

    Raises:
        BadFields: the tax number is none of its scheme, or the electronic address or its scheme is missing.
    """
    facts = {**data, **{name: data[name] or None for name in of(data)}}
    if faults := list(_faults(facts)):
        raise BadFields(faults)
    return facts


def _faults(facts: Mapping[str, Any]) -> Iterator[Fault]:
    if fault := fault_of(facts.get("tax_scheme") or "", facts.get("tax_id") or ""):
        yield ("taxId",), facts["tax_id"], fault
    if bool(facts.get("endpoint")) != bool(facts.get("endpoint_scheme")):
        yield ("endpointScheme",), facts.get("endpoint_scheme"), NO_ENDPOINT_SCHEME
