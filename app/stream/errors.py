"""What the stream refuses."""

from __future__ import annotations

from app.kernel.errors import Refusal, TooManyRequests, Unauthenticated
from app.kernel.messages import N_


class TooManyStreams(TooManyRequests):
    message = N_("This credential has as many open streams as it may have.")
    code = "TOO_MANY_STREAMS"


class InvalidTicket(Unauthenticated):
    message = N_("The ticket is unknown, used or expired.")


class PositionGone(Refusal):
    """What came behind this position is no longer kept; ``oldest`` is the first position that still is."""

    status = 410
    message = N_("Events behind this position are no longer kept; read anew what you need, then go on from oldest.")
    code = "POSITION_GONE"

    def __init__(self, oldest: int = 1) -> None:
        super().__init__(data={"oldest": oldest})
