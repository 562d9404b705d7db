"""The checks fail for adapters that break the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from app.einvoices.providers import http_provider
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from tests.einvoices.providers.contract.checks import CHECKS, CHECKS_OF_ADDRESSES, Adapter, a_document
from tests.einvoices.providers.contract.conftest import SimulatedProvider

Send = Callable[[ProviderRequest], ProviderResponse]


def with_a_new_key(request: ProviderRequest) -> ProviderResponse:
    return http_provider.post(replace(request, key=str(uuid4())))


def twice(request: ProviderRequest) -> ProviderResponse:
    """Send a second e-invoice with another number."""
    number = f"{request.document['invoice_no']}-2"
    http_provider.post(request)
    other = {**request.document, "invoice_no": number}
    return http_provider.post(replace(request, document=other, key=str(uuid4())))


def without_document(request: ProviderRequest) -> ProviderResponse:
    return http_provider.post(replace(request, legal_document=None))


def with_another_document(request: ProviderRequest) -> ProviderResponse:
    """Write the document anew, without the last line end."""
    file = request.legal_document
    other = a_document(file.content.strip()) if file else None
    return http_provider.post(replace(request, legal_document=other))


def without_doubt(request: ProviderRequest) -> ProviderResponse:
    try:
        return http_provider.post(request)
    except ProviderRejected as rejected:
        raise ProviderRejected(str(rejected), permanent=rejected.permanent, in_doubt=False) from rejected


def always_in_doubt(request: ProviderRequest) -> ProviderResponse:
    try:
        return http_provider.post(request)
    except ProviderRejected as rejected:
        raise ProviderRejected(str(rejected), permanent=False, in_doubt=True) from rejected


def hopeful(request: ProviderRequest) -> ProviderResponse:
    """Take every failure for an acceptance."""
    try:
        return http_provider.post(request)
    except ProviderRejected:
        return ProviderResponse(Status.ACCEPTED, "accepted")


def deaf(request: ProviderRequest) -> ProviderResponse:
    """Do not read the word of the provider."""
    http_provider.post(request)
    return ProviderResponse(Status.ACCEPTED, "accepted", "1")


def found_nothing(_request: ProviderRequest) -> None:
    return None


def found_always(_request: ProviderRequest) -> ProviderResponse:
    return ProviderResponse(Status.SENT, "found")


def silent(request: ProviderRequest) -> ProviderResponse | None:
    """Take a look-up without an answer for "not found"."""
    try:
        return http_provider.look_up(request)
    except ProviderRejected:
        return None


HONEST = Adapter(http_provider.post, http_provider.look_up)
BROKEN = [
    (replace(HONEST, send=with_a_new_key), "a_repeat_has_the_same_key"),
    (replace(HONEST, send=with_a_new_key), "a_taken_einvoice_has_an_answer"),
    (replace(HONEST, send=twice), "a_repeat_has_the_same_key"),
    (replace(HONEST, send=without_document), "the_legal_document_arrives_whole"),
    (replace(HONEST, send=with_another_document), "the_legal_document_arrives_whole"),
    (replace(HONEST, send=without_doubt), "a_lost_answer_is_a_doubt_that_the_look_up_settles"),
    (replace(HONEST, send=without_doubt), "a_failure_without_an_answer_is_a_doubt"),
    (replace(HONEST, send=always_in_doubt), "a_refusal_is_final"),
    (replace(HONEST, send=always_in_doubt), "without_a_connection_nothing_was_sent"),
    (replace(HONEST, send=hopeful), "a_refusal_is_final"),
    (replace(HONEST, send=hopeful), "a_number_under_another_key_is_not_a_success"),
    (replace(HONEST, send=deaf), "a_rejection_by_the_provider_is_told"),
    (replace(HONEST, send=deaf), "two_einvoices_are_two"),
    (replace(HONEST, look_up=found_nothing), "a_lost_answer_is_a_doubt_that_the_look_up_settles"),
    (replace(HONEST, look_up=found_always), "what_was_never_sent_is_not_found"),
    (replace(HONEST, look_up=silent), "a_look_up_without_an_answer_says_nothing"),
]


@pytest.mark.parametrize(("adapter", "check"), BROKEN, ids=range(len(BROKEN)))
def test_a_broken_adapter_is_found(simulated: SimulatedProvider, adapter: Adapter, check: str) -> None:
    known = {**CHECKS, **CHECKS_OF_ADDRESSES}
    known[check](HONEST, simulated)
    simulated.simulator.store.set_setting("look_up_failures", 0)
    with pytest.raises((AssertionError, ProviderRejected, pytest.fail.Exception)):
        known[check](adapter, simulated)


def test_each_check_finds_a_broken_adapter() -> None:
    assert {check for _, check in BROKEN} == {*CHECKS, *CHECKS_OF_ADDRESSES}
