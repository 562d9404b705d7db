"""Every adapter, and the one of the documentation, keeps the contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.einvoices.providers.behaviours import find, wanted_by
from app.einvoices.providers.clients import ADAPTERS as KNOWN
from app.einvoices.providers.contract import ProviderRequest
from tests.einvoices.providers.contract.checks import CHECKS, CHECKS_OF_ADDRESSES, Adapter, Provider
from tests.einvoices.providers.contract.conftest import SimulatedProvider

PAGE = Path(__file__).resolve().parents[4] / "docs" / "providers.md"
LONGEST_EXAMPLE = 55
#: ``null`` has no provider, so no answer can be lost.
WITHOUT_A_PROVIDER = {"null"}


class InsideTheHub:
    """The provider of ``simulator``: it stores nothing, so what it has follows from the document."""

    url = ""

    def stored(self, request: ProviderRequest) -> list[str]:
        behaviour = find(wanted_by(request.document))
        return [request.key] if behaviour is not None and behaviour.stores else []

    def received(self, request: ProviderRequest) -> list[tuple[str, str]]:
        file = request.legal_document
        return [(file.format, file.sha256)] if file is not None and self.stored(request) else []

    def fail_look_ups(self) -> None:
        """Its look-ups do not fail."""


#: Providers of the adapters that do not speak the contract of ``http``.
PROVIDERS_OF_ADAPTERS: dict[str, Callable[[], Provider]] = {"simulator": InsideTheHub}


def example() -> str:
    [found] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return found


def example_adapter() -> Adapter:
    names: dict[str, Any] = {"__name__": "sample"}
    exec(compile(example(), str(PAGE), "exec"), names)
    return Adapter(names["send"], names["look_up"])


ADAPTERS = {
    "sample": example_adapter(),
    **{name: Adapter(known.send, known.look_up) for name, known in KNOWN.items() if name not in WITHOUT_A_PROVIDER},
}


def provider_of(name: str, simulated: SimulatedProvider) -> Provider:
    return PROVIDERS_OF_ADAPTERS[name]() if name in PROVIDERS_OF_ADAPTERS else simulated


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("check", CHECKS)
def test_the_adapter_keeps_the_contract(simulated: SimulatedProvider, name: str, check: str) -> None:
    CHECKS[check](ADAPTERS[name], provider_of(name, simulated))


@pytest.mark.parametrize("name", [name for name in ADAPTERS if name != "simulator"])
@pytest.mark.parametrize("check", CHECKS_OF_ADDRESSES)
def test_the_adapter_keeps_the_contract_of_addresses(simulated: SimulatedProvider, name: str, check: str) -> None:
    CHECKS_OF_ADDRESSES[check](ADAPTERS[name], provider_of(name, simulated))


def test_the_page_lists_every_adapter() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE.read_text().partition("## ")[0], re.MULTILINE) == list(KNOWN)


def test_the_example_is_short() -> None:
    assert len(example().splitlines()) <= LONGEST_EXAMPLE
