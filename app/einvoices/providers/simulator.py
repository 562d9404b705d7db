"""``simulator``: a provider inside the hub that behaves as ``metadata.simulate`` says, for development and tests.

It stores nothing: what it has follows from the document. It needs no address; the server ``flask provider-simulator``
has the same behaviours, and speaks the contract of the provider ``http``.
"""

from __future__ import annotations

import hashlib

from app.einvoices.providers.behaviours import BEHAVIOURS, DEFAULT, RECEIVED, Answer, Behaviour, wanted_by
from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from app.kernel.messages import N_


def simulate(request: ProviderRequest) -> ProviderResponse:
    """Respond as ``metadata.simulate`` says; without it, or with an unknown name, accept.

    Raises:
        ProviderRejected: the behaviour gives no answer that says that the e-invoice was stored.
    """
    behaviour, file = _behaviour_of(request), request.legal_document
    if file is not None and hashlib.sha256(file.content).hexdigest() != file.sha256:
        raise ProviderRejected(N_("The simulator got a damaged document."), permanent=True, in_doubt=False)
    if behaviour.answer == Answer.REFUSED:
        raise ProviderRejected(N_("The simulator was asked to refuse."), permanent=True, in_doubt=False)
    if behaviour.is_answered:
        return _respond(request, behaviour)
    if behaviour.stores:
        raise ProviderRejected(N_("The simulator was asked to lose its answer."), permanent=False, in_doubt=True)
    raise ProviderRejected(N_("The simulator was asked to fail."), permanent=False, in_doubt=True)


def look_up(request: ProviderRequest) -> ProviderResponse | None:
    """The answer that was lost; None if the behaviour stores nothing.

    An e-invoice whose answer came is not looked up: its sending is not in doubt.
    """
    behaviour = _behaviour_of(request)
    return _respond(request, behaviour) if behaviour.stores else None


def _behaviour_of(request: ProviderRequest) -> Behaviour:
    return BEHAVIOURS[wanted_by(request.document) or DEFAULT]


def _respond(request: ProviderRequest, behaviour: Behaviour) -> ProviderResponse:
    number = f"SIM-{request.document['id']}"
    callbacks = tuple(
        (report.due, {"provider_status": report.word, "provider_invoice_id": number, "true_after": report.occurred})
        for report in behaviour.reports
    )
    raw = {"document": request.legal_document.facts} if request.legal_document else None
    return ProviderResponse(Status.SENT, RECEIVED, number, raw, callbacks=callbacks)
