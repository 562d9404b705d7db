"""What the stream refuses."""

from __future__ import annotations

from app.kernel.errors import TooManyRequests, Unauthenticated


class TooManyStreams(TooManyRequests):
    message = "This credential has as many open streams as it may have."
    code = "TOO_MANY_STREAMS"


class InvalidTicket(Unauthenticated):
    message = "The ticket is unknown, used or expired."
