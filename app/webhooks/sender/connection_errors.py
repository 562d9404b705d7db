"""Plain messages for errors of a connection: the text says what happened, without details of the libraries."""

from __future__ import annotations

import errno
import ssl
from collections.abc import Iterator, Sequence
from http.client import HTTPException, RemoteDisconnected

from urllib3.exceptions import LocationValueError, ProtocolError
from urllib3.util.ssl_match_hostname import CertificateError

from app.kernel.messages import N_

_UNTRUSTED = N_(
    "The certificate is not valid: no trusted authority has signed it. The authority of a company is trusted with "
    "TRUSTED_CA_FILE or in the certificate store of the machine."
)
#: Result code of OpenSSL -> message; five codes say that the chain ends at no trusted certificate.
_CERTIFICATE_MESSAGES = {
    **dict.fromkeys((2, 18, 19, 20, 21), _UNTRUSTED),
    9: N_("The certificate is not valid: it is not valid yet."),
    10: N_("The certificate is not valid: it has expired."),
    62: N_("The certificate is not valid: it is for another host name."),
    64: N_("The certificate is not valid: it is for another IP address."),
}
_PLAIN_HTTP = N_("TLS failed: the receiver does not speak TLS on this port. Perhaps its address begins with http://.")
#: OpenSSL's reasons for an answer that is no TLS.
_NO_TLS_REASONS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "PACKET_LENGTH_TOO_LONG"})
_UNREACHABLE = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN, errno.EADDRNOTAVAIL})
_NETWORK_MESSAGES = (
    ((RemoteDisconnected,), N_("The receiver closed the connection without an answer.")),
    ((ConnectionRefusedError,), N_("The connection was refused.")),
    ((ConnectionResetError, BrokenPipeError, ConnectionAbortedError), N_("The receiver cut the connection.")),
    ((LocationValueError,), N_("The address cannot be understood.")),
)


def plain_message(error: Exception, connect_seconds: float) -> str:
    """Return the message for an error before the status line of the answer."""
    errors = list(_chain(error))
    if any(isinstance(one, TimeoutError) or "timed out" in str(one) for one in errors):
        return f"Could not connect within {connect_seconds:g} seconds."
    return _tls_message(errors) or _network_message(errors) or f"The request failed ({type(errors[-1]).__name__})."


def _tls_message(errors: Sequence[BaseException]) -> str | None:
    for error in errors:
        if isinstance(error, ssl.SSLCertVerificationError):
            other = f"The certificate is not valid: {error.verify_message}."
            return _CERTIFICATE_MESSAGES.get(error.verify_code, other)
        if isinstance(error, CertificateError):
            return _CERTIFICATE_MESSAGES[62]
        if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
            return N_("TLS failed: the receiver closed the connection.")
        if isinstance(error, ssl.SSLError):
            return _PLAIN_HTTP if error.reason in _NO_TLS_REASONS else f"TLS failed: {_words(error.reason)}."
    return None


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


def _words(reason: str | None) -> str:
    return (reason or "unknown error").replace("_", " ").lower()


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and its causes; the libraries put a cause into ``reason``, the arguments or ``__cause__``."""
    waiting, seen = [error], set[int]()
    while waiting:
        current = waiting.pop(0)
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        causes = (getattr(current, "reason", None), *current.args, current.__cause__, current.__context__)
        waiting += [cause for cause in causes if isinstance(cause, BaseException)]
