"""Plain messages for errors of a connection: the text says what happened, without details of the libraries."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from http.client import HTTPException, RemoteDisconnected

from urllib3.exceptions import LocationValueError, ProtocolError

from app.kernel.http.tls_errors import causes_of, tls_message
from app.kernel.messages import N_

_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})
_NETWORK_MESSAGES = (
    ((RemoteDisconnected,), N_("The receiver closed the connection without an answer.")),
    ((ConnectionRefusedError,), N_("The connection was refused.")),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError), N_("The receiver cut the connection.")),
    ((LocationValueError,), N_("The address cannot be understood.")),
)


def plain_message(error: Exception, connect_seconds: float) -> str:
    """Return the message for an error before the status line of the answer."""
    errors = list(causes_of(error))
    if any(isinstance(one, TimeoutError) or "timed out" in str(one) for one in errors):
        return f"Could not connect within {connect_seconds:g} seconds."
    return tls_message(errors) or _network_message(errors) or f"The request failed ({type(errors[-1]).__name__})."


def _network_message(errors: Sequence[BaseException]) -> str | None:
    for error in errors:
        for kinds, message in _NETWORK_MESSAGES:
            if isinstance(error, kinds):
                return message
        if isinstance(error, OSError) and error.errno in _UNREACHABLE:
            return N_("The receiver's network cannot be reached.")
    if any(isinstance(error, HTTPException | ProtocolError) for error in errors):
        return N_("The receiver's answer is not HTTP.")
    return None
