"""The mail server of the settings: sends one message over SMTP, with TLS wherever the server offers it."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import unquote, urlsplit

from app.kernel.http.tls_trust import client_context

#: Seconds for each answer of the server.
TIMEOUT = 4.0
_PORTS = {"smtp": 25, "smtps": 465}


class MailRefused(Exception):
    """The message was not taken; the text says why."""


def send(message: EmailMessage, url: str, ca_file: Path | None) -> None:
    """Send ``message`` by the server at ``url``, such as ``smtp://user:password@mail.example:587``.

    ``smtps://`` begins with TLS; ``smtp://`` begins TLS when the server offers it. A password is sent over TLS only.

    Raises:
        MailRefused: the server does not answer, or refuses the sender or all receivers or the message.
    """
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        with _connect(parts.scheme, host, port, ca_file) as server:
            if parts.username:
                _log_in(server, unquote(parts.username), unquote(parts.password or ""))
            server.send_message(message)
    except (smtplib.SMTPException, OSError, ValueError) as failure:
        raise MailRefused(f"The mail server {host}:{port} did not take the mail: {_reason(failure)}") from failure


def _connect(scheme: str, host: str, port: int, ca_file: Path | None) -> smtplib.SMTP:
    context = client_context(ca_file)
    if scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    server.ehlo()
    if server.has_extn("starttls"):
        server.starttls(context=context)
    return server


def _log_in(server: smtplib.SMTP, user: str, password: str) -> None:
    server.ehlo_or_helo_if_needed()
    if not isinstance(server, smtplib.SMTP_SSL) and not hasattr(server.sock, "getpeercert"):
        raise smtplib.SMTPException("it offers no TLS, and a password is sent over TLS only")
    server.login(user, password)


def _reason(failure: Exception) -> str:
    if isinstance(failure, smtplib.SMTPResponseException):
        said = failure.smtp_error
        return f"{failure.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    return str(failure) or type(failure).__name__
