"""Provider clients by name: each sends one e-invoice and returns the provider's response; most can look one up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from app.einvoices.providers import http_provider, simulator
from app.einvoices.providers.contract import ProviderRequest, ProviderResponse
from app.einvoices.status import Status


def accept_locally(request: ProviderRequest) -> ProviderResponse:
    """``null``: there is no provider; everything is accepted."""
    return ProviderResponse(Status.ACCEPTED, "accepted", f"NULL-{request.document['id']}")


def find_nothing(_request: ProviderRequest) -> None:
    """``null``: nobody has the e-invoice."""


PROVIDERS: Mapping[str, Callable[[ProviderRequest], ProviderResponse]] = {
    "null": accept_locally,
    "http": http_provider.post,
    "simulator": simulator.simulate,
}
PROVIDER_NAMES = tuple(PROVIDERS)
#: Look-ups: the response to an e-invoice that the provider has, None if it does not have it.
LOOK_UPS: Mapping[str, Callable[[ProviderRequest], ProviderResponse | None]] = {
    "null": find_nothing,
    "http": http_provider.look_up,
    "simulator": simulator.look_up,
}
#: Connection tests before an account is used.
CHECKS: Mapping[str, Callable[[ProviderRequest], None]] = {
    "null": find_nothing,
    "http": http_provider.check,
    "simulator": find_nothing,
}
#: Providers that need the address of their sendings.
ADDRESSED = frozenset({"http"})


def can_look_up(provider: str, lookup_url: str) -> bool:
    """Whether the provider can be asked for an e-invoice; ``http`` needs the address of its look-up."""
    return provider in LOOK_UPS and (provider != "http" or bool(lookup_url))
