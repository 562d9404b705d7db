"""Plain messages for failures of TLS in outgoing requests: the text says what is wrong with the certificate."""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator

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


def tls_message(errors: Iterable[BaseException]) -> str | None:
    """The message for the first failure of TLS among ``errors``; None if there is none."""
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


def causes_of(error: BaseException) -> Iterator[BaseException]:
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


def _words(reason: str | None) -> str:
    return (reason or "unknown error").replace("_", " ").lower()
