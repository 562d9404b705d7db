"""``simulator``: a provider inside the hub that behaves as ``metadata.simulate`` says, for development and tests.

It stores nothing: what it has follows from the document.
"""

from __future__ import annotations

from typing import Any

from app.einvoices.providers.contract import ProviderRejected, ProviderRequest, ProviderResponse
from app.einvoices.status import Status
from app.kernel.messages import N_


def simulate(request: ProviderRequest) -> ProviderResponse:
    """Respond as ``metadata.simulate`` says.

    Values: ``accept`` (default), ``reject``, ``late``, ``duplicate``, ``out_of_order``, ``refuse``, ``fail``, ``lost``.

    Raises:
        ProviderRejected: ``refuse`` is permanent; ``fail`` fails at every attempt and stores nothing; ``lost`` stores
            the e-invoice, and its response does not come.
    """
    mode = _mode(request)
    if mode == "refuse":
        raise ProviderRejected(N_("The simulator was asked to refuse."), permanent=True, in_doubt=False)
    if mode == "fail":
        raise ProviderRejected(N_("The simulator was asked to fail."), permanent=False, in_doubt=True)
    if mode == "lost":
        raise ProviderRejected(N_("The simulator was asked to lose its answer."), permanent=False, in_doubt=True)
    return _respond(request, mode)


def look_up(request: ProviderRequest) -> ProviderResponse | None:
    """The response that was lost; None for the other values, of which no response is lost."""
    return _respond(request, "accept") if _mode(request) == "lost" else None


def _mode(request: ProviderRequest) -> Any:
    return (request.document["metadata"] or {}).get("simulate", "accept")


def _respond(request: ProviderRequest, mode: Any) -> ProviderResponse:
    number = f"SIM-{request.document['id']}"

    def callback(after: float, status: str, true_after: float) -> tuple[float, dict[str, Any]]:
        return after, {"provider_status": status, "provider_invoice_id": number, "true_after": true_after}

    callbacks = {
        "reject": (callback(0, "rejected", 0),),
        "late": (callback(60, "accepted", 60),),
        "duplicate": (callback(0, "accepted", 0), callback(0, "accepted", 0)),
        "out_of_order": (callback(0, "accepted", 0), callback(1, "processing", -1)),
    }
    default = (callback(0, "accepted", 0),)
    return ProviderResponse(Status.SENT, "received", number, callbacks=callbacks.get(mode, default))
