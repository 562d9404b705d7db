"""What every adapter must do: one function for each rule of ``docs/providers.md``, for any adapter and provider."""

from __future__ import annotations

import copy
import hashlib
import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol
from uuid import uuid4

import pytest

from app.einvoices.providers.behaviours import BEHAVIOURS
from app.einvoices.providers.contract import LegalDocument, ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.status import Status

_numbers = itertools.count(1)
#: An address of this machine where nobody listens.
NOWHERE = "http://127.0.0.1:1/demo/einvoices"


@dataclass(frozen=True)
class Adapter:
    """The two functions of an adapter."""

    send: Callable[[ProviderRequest], ProviderResponse]
    look_up: Callable[[ProviderRequest], ProviderResponse | None]


class Provider(Protocol):
    """The provider of the checks.

    Attributes:
        url: where it takes e-invoices and look-ups.
    """

    url: str

    def stored(self, request: ProviderRequest) -> list[str]:
        """The keys under which it has the e-invoice of a request."""

    def received(self, request: ProviderRequest) -> list[tuple[str, str]]:
        """Format and hash of the legal documents that it has of the e-invoice of a request."""

    def fail_look_ups(self) -> None:
        """From now on every look-up answers an error."""


def a_request(provider: Provider, behaviour: str = "accept", **facts: Any) -> ProviderRequest:
    """A request for a new e-invoice."""
    number = next(_numbers)
    document = {
        "id": number,
        "invoice_no": f"EA-2026-{number:06}",
        "metadata": {"simulate": behaviour},
        "totals": {"grand_total": 120, "currency": "TRY"},
        "seller": {"name": "Asha", "tax_id": "1234567890"},
    }
    known = {"document": document, "key": str(uuid4()), "url": provider.url, "lookup_url": provider.url, "token": ""}
    return ProviderRequest(**{**known, **facts})


def a_document(content: bytes = b"<Invoice>\xc3\xa7</Invoice>\n") -> LegalDocument:
    return LegalDocument("ubl", "application/xml", "EA-ubl.xml", hashlib.sha256(content).hexdigest(), content)


def rejection_of(adapter: Adapter, request: ProviderRequest) -> ProviderRejected:
    with pytest.raises(ProviderRejected) as caught:
        adapter.send(request)
    assert str(caught.value), "a failure has a reason"
    return caught.value


def check_a_taken_einvoice_has_an_answer(adapter: Adapter, provider: Provider) -> None:
    request = a_request(provider)
    before = copy.deepcopy(request.document)
    response = adapter.send(request)
    assert isinstance(response.status, Status)
    assert response.status in {Status.SENT, Status.ACCEPTED}
    assert 0 < len(response.provider_status) <= 100
    assert response.provider_invoice_id is None or 0 < len(response.provider_invoice_id) <= 255
    json.dumps(response.raw, default=str)
    assert request.document == before, "the document of the hub was changed"
    assert provider.stored(request) == [request.key]


def check_a_rejection_by_the_provider_is_told(adapter: Adapter, provider: Provider) -> None:
    response = adapter.send(a_request(provider, "reject"))
    told = [response.provider_status, *(report["provider_status"] for _, report in response.callbacks)]
    assert "rejected" in told
    assert response.status != Status.ACCEPTED


def check_a_repeat_has_the_same_key(adapter: Adapter, provider: Provider) -> None:
    request = a_request(provider)
    first, second = adapter.send(request), adapter.send(request)
    assert (first.provider_status, first.provider_invoice_id) == (second.provider_status, second.provider_invoice_id)
    assert provider.stored(request) == [request.key]


def check_the_legal_document_arrives_whole(adapter: Adapter, provider: Provider) -> None:
    bare = a_request(provider)
    adapter.send(bare)
    assert provider.received(bare) == [], "this account has no format"
    for document in (a_document(), a_document(b"<Invoice>" + b"x" * 2_000_000 + b"</Invoice>")):
        request = a_request(provider, legal_document=document)
        adapter.send(request)
        assert provider.received(request) == [(document.format, document.sha256)]


def check_two_einvoices_are_two(adapter: Adapter, provider: Provider) -> None:
    one, other = adapter.send(a_request(provider)), adapter.send(a_request(provider))
    assert one.provider_invoice_id != other.provider_invoice_id


def check_what_was_never_sent_is_not_found(adapter: Adapter, provider: Provider) -> None:
    assert adapter.look_up(a_request(provider, "fail")) is None


def check_a_lost_answer_is_a_doubt_that_the_look_up_settles(adapter: Adapter, provider: Provider) -> None:
    lost = [name for name, known in BEHAVIOURS.items() if known.stores and not known.is_answered]
    for behaviour in lost:
        request = a_request(provider, behaviour)
        failure = rejection_of(adapter, request)
        assert failure.in_doubt, f"{behaviour}: the provider has it, and the adapter says that it cannot have it"
        assert not failure.permanent, f"{behaviour}: a further attempt may help"
        found = adapter.look_up(request)
        assert found is not None, f"{behaviour}: the provider has it, and the adapter says that it does not"
        assert 0 < len(found.provider_status) <= 100
        assert provider.stored(request) == [request.key]


def check_a_failure_without_an_answer_is_a_doubt(adapter: Adapter, provider: Provider) -> None:
    for behaviour in ("fail", "cut"):
        request = a_request(provider, behaviour)
        failure = rejection_of(adapter, request)
        assert failure.in_doubt, f"{behaviour}: nobody can know whether the provider stored it"
        assert not failure.permanent
        assert adapter.look_up(request) is None
        assert provider.stored(request) == []


def check_a_refusal_is_final(adapter: Adapter, provider: Provider) -> None:
    failure = rejection_of(adapter, a_request(provider, "refuse"))
    assert failure.permanent, "the provider would refuse it again"
    assert not failure.in_doubt, "the provider said that it did not take it"


def check_a_number_under_another_key_is_not_a_success(adapter: Adapter, provider: Provider) -> None:
    request = a_request(provider)
    adapter.send(request)
    other = replace(request, key=str(uuid4()))
    failure = rejection_of(adapter, other)
    assert failure.in_doubt
    assert failure.number_taken, "not finding the other key must not settle the doubt"
    assert adapter.look_up(other) is None
    assert provider.stored(request) == [request.key]


def check_without_a_connection_nothing_was_sent(adapter: Adapter, provider: Provider) -> None:
    failure = rejection_of(adapter, a_request(provider, url=NOWHERE))
    assert not failure.in_doubt, "nothing was sent"
    assert not failure.permanent, "the provider may be back soon"


def check_a_look_up_without_an_answer_says_nothing(adapter: Adapter, provider: Provider) -> None:
    request = a_request(provider)
    adapter.send(request)
    provider.fail_look_ups()
    for asked in (request, replace(request, lookup_url=NOWHERE), replace(request, lookup_url=f"{provider.url}/wrong")):
        with pytest.raises(ProviderRejected):
            adapter.look_up(asked)


#: For every adapter.
CHECKS: dict[str, Callable[[Adapter, Provider], None]] = {
    check.__name__.removeprefix("check_"): check
    for check in (
        check_a_taken_einvoice_has_an_answer,
        check_a_rejection_by_the_provider_is_told,
        check_a_repeat_has_the_same_key,
        check_the_legal_document_arrives_whole,
        check_two_einvoices_are_two,
        check_what_was_never_sent_is_not_found,
        check_a_lost_answer_is_a_doubt_that_the_look_up_settles,
        check_a_failure_without_an_answer_is_a_doubt,
        check_a_refusal_is_final,
    )
}
#: For adapters that send to an address.
CHECKS_OF_ADDRESSES: dict[str, Callable[[Adapter, Provider], None]] = {
    check.__name__.removeprefix("check_"): check
    for check in (
        check_a_number_under_another_key_is_not_a_success,
        check_without_a_connection_nothing_was_sent,
        check_a_look_up_without_an_answer_says_nothing,
    )
}
