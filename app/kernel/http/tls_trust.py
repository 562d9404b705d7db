"""TLS trust of outgoing requests: the machine's store, the bundle of ``certifi``, and the CA file of the settings."""

from __future__ import annotations

import ssl
from pathlib import Path

import certifi


def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return a new context that verifies servers; the caller keeps it, because to read the stores takes time.

    OpenSSL reads the machine's store, or ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` instead. ``certifi`` is added because
    small images have no store.

    Raises:
        OSError: the file cannot be read, or it holds no certificate (``ssl.SSLError``).
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    # Certificates of company CAs often lack extensions that newer Python versions require; curl accepts them too.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context
