"""Refusals of streams and of the event log."""

from __future__ import annotations

from app.kernel.errors import Busy, Refusal, TooManyRequests, Unauthenticated
from app.kernel.messages import N_


class TooManyStreams(TooManyRequests):
    message = N_("This credential has as many open streams as it may have.")
    code = "TOO_MANY_STREAMS"


class NoPlaceForStream(Busy):
    message = N_("This process has as many open streams as it may have; try again shortly.")
    code = "NO_PLACE_FOR_STREAM"


class InvalidTicket(Unauthenticated):
    message = N_("The ticket is unknown, used or expired.")


class PositionGone(Refusal):
    """Events after this position were deleted; ``oldest`` is the first position that is kept."""

    status = 410
    message = N_("Events behind this position are no longer kept; read anew what you need, then go on from oldest.")
    code = "POSITION_GONE"

    def __init__(self, oldest: int = 1) -> None:
        super().__init__(data={"oldest": oldest})
