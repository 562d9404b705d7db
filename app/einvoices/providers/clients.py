"""Adapters by name: the one list of what e-invoices can be sent with; accounts, API and pages take it from here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.einvoices.providers import http_provider, simulator
from app.einvoices.providers.contract import ProviderRequest, ProviderResponse
from app.einvoices.status import Status


def accept_locally(request: ProviderRequest) -> ProviderResponse:
    """``null``: there is no provider; everything is accepted."""
    return ProviderResponse(Status.ACCEPTED, "accepted", f"NULL-{request.document['id']}")


def find_nothing(_request: ProviderRequest) -> None:
    """Nobody has the e-invoice, or nothing is wrong with the connection, because there is no provider."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """How the hub speaks with a provider.

    Attributes:
        send: sends one e-invoice and returns the response of the provider.
        look_up: the response to an e-invoice that the provider has, None if it does not have it.
        check: tests the connection before an account is used.
        is_addressed: it needs the address of sendings, and that of look-ups to look anything up.
    """

    send: Callable[[ProviderRequest], ProviderResponse]
    look_up: Callable[[ProviderRequest], ProviderResponse | None]
    check: Callable[[ProviderRequest], None] = find_nothing
    is_addressed: bool = False


ADAPTERS: Mapping[str, Adapter] = {
    "null": Adapter(accept_locally, find_nothing),
    "http": Adapter(http_provider.post, http_provider.look_up, http_provider.check, is_addressed=True),
    "simulator": Adapter(simulator.simulate, simulator.look_up),
}
PROVIDER_NAMES = tuple(ADAPTERS)


def can_look_up(provider: str, lookup_url: str) -> bool:
    """Whether the provider can be asked for an e-invoice."""
    return provider in ADAPTERS and (bool(lookup_url) or not ADAPTERS[provider].is_addressed)
