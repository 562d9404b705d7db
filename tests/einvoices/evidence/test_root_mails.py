"""Mails with new roots, to a real SMTP server: each root once, tried again until the server takes it."""

from __future__ import annotations

import email
import email.policy
import socket
import ssl
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope
from flask.testing import FlaskClient

from app.evidence import root_mails, roots, tasks
from app.evidence.models import EvidenceMail
from app.evidence.offline.kept_roots import read_kept
from app.extensions import db
from app.kernel import clock
from app.kernel.http.app import Hub
from app.kernel.outbound import mail_server
from app.kernel.unit_of_work import unit_of_work
from tests.certificates import Authority
from tests.einvoices.helpers import create_issued

ROOTS = "/api/v1/evidence/roots"
RECEIVERS = ("auditor@example.com", "accountant@example.com")


class Mailbox:
    """Keeps what the server takes; ``answer`` is what it says to each message."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.answer = "250 OK"
        self.users: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:
        if self.answer.startswith("2"):
            self.received.append(envelope)
        return self.answer

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        self.users.append((given.login, given.password))
        return AuthResult(success=True)

    def messages(self) -> list[EmailMessage]:
        return [email.message_from_bytes(each.content or b"", policy=email.policy.default) for each in self.received]


def free_port() -> int:
    """A port that is free now: the server does not say which one it chose."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


@pytest.fixture
def mailbox(app: Hub, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mailbox]:
    """A running server that the settings name."""
    kept = Mailbox()
    controller = Controller(kept, "127.0.0.1", free_port())
    controller.start()
    monkeypatch.setitem(app.config, "SMTP_URL", f"smtp://127.0.0.1:{controller.port}")
    monkeypatch.setitem(app.config, "MAIL_FROM", "hub@example.com")
    monkeypatch.setitem(app.config, "ROOTS_MAIL_TO", RECEIVERS)
    yield kept
    controller.stop()


@pytest.fixture
def seal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make the roots of the days that are over in so many days, and the mails that are due."""

    def run(days: int) -> None:
        moment = clock.now() + timedelta(days=days)
        with monkeypatch.context() as patch:
            patch.setattr(clock, "now", lambda: moment)
            tasks.seal_days()
        make_due()

    return run


def make_due() -> None:
    with unit_of_work():
        db.session.query(EvidenceMail).update({"due_at": clock.now()})


def test_each_root_is_mailed_once_and_the_verifier_reads_it(
    owner_as: Callable[..., FlaskClient], mailbox: Mailbox, seal: Callable[[int], None], tmp_path: Path
) -> None:
    first, second = owner_as(), owner_as()
    for client in (first, second):
        create_issued(client)
    seal(1)
    assert (tasks.mail_roots(), tasks.mail_roots()) == (1, 0)
    [envelope], [message] = mailbox.received, mailbox.messages()
    stored = [client.get(ROOTS).json["data"][0] for client in (first, second)]
    assert (envelope.rcpt_tos, message["From"]) == ([*RECEIVERS], "hub@example.com")
    assert message["Subject"] == f"Invoice Hub: roots of {stored[0]['day']}"
    body = message.get_body()
    assert body is not None
    for root, client in zip(stored, (first, second), strict=True):
        assert f"{root['day']} {client.user_id} {root['root']}" in body.get_content()
    [attachment] = message.iter_attachments()
    assert attachment.get_filename() == "roots.jsonl"
    kept = tmp_path / "roots.jsonl"
    kept.write_bytes(attachment.get_content())
    assert kept.read_bytes() == "".join(f"{root['statement']}\n" for root in stored).encode()
    assert [root["root"] for root in read_kept(kept)] == [root["root"] for root in stored]
    seal(1)
    assert tasks.mail_roots() == 0


@pytest.mark.slow
def test_a_mail_that_is_not_taken_is_sent_later(
    owner: FlaskClient, mailbox: Mailbox, seal: Callable[[int], None], app: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_issued(owner)
    seal(1)
    mailbox.answer = "451 try later"
    assert root_mails.send_due() == 0
    with unit_of_work():
        mail = db.session.query(EvidenceMail).populate_existing().one()
    assert (mail.state, "451 try later" in mail.error) == ("pending", True)
    with monkeypatch.context() as patch:
        patch.setitem(app.config, "SMTP_URL", "smtp://127.0.0.1:1")
        for _ in range(7):
            make_due()
            assert root_mails.send_due() == 0
    mailbox.answer = "250 OK"
    make_due()
    assert (root_mails.send_due(), len(mailbox.received)) == (1, 1)


def test_roots_from_before_the_setting_are_mailed_too(
    owner: FlaskClient, mailbox: Mailbox, seal: Callable[[int], None], app: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_issued(owner)
    with monkeypatch.context() as patch:
        patch.setitem(app.config, "ROOTS_MAIL_TO", ())
        seal(1)
        assert tasks.mail_roots() == 0
    monkeypatch.setattr(root_mails, "MAX_ROOTS", 1)
    create_issued(owner)
    seal(2)
    made = roots.list_roots(owner.user_id, None, 9)
    assert (tasks.mail_roots(), len(mailbox.received)) == (len(made), len(made))


def test_a_password_is_sent_over_tls_only(tmp_path: Path) -> None:
    authority, kept, message = Authority(tmp_path), Mailbox(), EmailMessage()
    message["From"], message["To"] = "hub@example.com", "auditor@example.com"
    message.set_content("x")

    def sent(url: str, tls: ssl.SSLContext | None, **options: Any) -> None:
        controller = Controller(
            kept, "127.0.0.1", free_port(), authenticator=kept.authenticate, tls_context=tls, **options
        )
        controller.start()
        try:
            mail_server.send(message, url.format(port=controller.port), authority.file)
        finally:
            controller.stop()

    with pytest.raises(mail_server.MailRefused, match="over TLS only"):
        sent("smtp://hub:word@127.0.0.1:{port}", None, auth_require_tls=False)
    assert kept.users == []
    sent("smtp://hub:pass%3Aword@127.0.0.1:{port}", authority.server_context())
    assert (kept.users, len(kept.received)) == ([(b"hub", b"pass:word")], 1)
    with pytest.raises(mail_server.MailRefused, match="certificate"):
        sent("smtp://hub:word@127.0.0.1:{port}", _other(tmp_path).server_context())
    assert len(kept.users) == 1


def _other(folder: Path) -> Authority:
    (folder / "other").mkdir()
    return Authority(folder / "other")
