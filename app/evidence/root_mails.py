"""Mails with new roots: to people who keep them where the operator of the hub cannot change them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

import structlog
from flask import current_app
from sqlalchemy import func, select, update

from app.evidence.models import EvidenceMail, EvidenceRoot
from app.extensions import db
from app.kernel import clock
from app.kernel.outbound import mail_server
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker import work_queue
from app.kernel.worker.celery_app import LEASE
from app.kernel.worker.work_queue import WorkState

log = structlog.get_logger(__name__)
#: Roots of one mail; further ones get a mail of their own.
MAX_ROOTS = 500
#: Seconds after which a round sends no more mails.
LONGEST_ROUND = 5.0
#: Its verifier reads it as it is.
FILE = "roots.jsonl"
_TEXT = """\
Invoice Hub made these daily roots of its evidence. Keep this mail: whoever has a root can prove later that the records
of its day, and of all days before it, are still the same. The verifier of a month's package reads the attachment:

    python3 verify.py PACKAGE --known roots.jsonl

Day, owner, root:

"""
_LOCK = select(func.pg_advisory_xact_lock(func.hashtextextended("mails of roots", 0)))


def queue_due() -> None:
    """Make mails of the roots that were in none, if the settings name somebody to send them to."""
    if not current_app.config["ROOTS_MAIL_TO"]:
        return
    while True:
        with unit_of_work():
            db.session.execute(_LOCK)
            if not _queue_next():
                return


def _queue_next() -> bool:
    waiting = select(EvidenceRoot.owner_id, EvidenceRoot.day).where(EvidenceRoot.mail_id.is_(None))
    keys = db.session.execute(waiting.order_by(EvidenceRoot.day, EvidenceRoot.owner_id).limit(MAX_ROOTS)).all()
    if not keys:
        return False
    mail = EvidenceMail(state=WorkState.PENDING.value)
    db.session.add(mail)
    db.session.flush()
    db.session.execute(
        update(EvidenceRoot)
        .where(func.row(EvidenceRoot.owner_id, EvidenceRoot.day).in_([func.row(*key) for key in keys]))
        .values(mail_id=mail.id)
    )
    return True


def send_due() -> int:
    """Send the mails that are due; return their number. Safe to run twice and in parallel."""
    until, count = time.monotonic() + LONGEST_ROUND, 0
    while current_app.config["ROOTS_MAIL_TO"] and time.monotonic() < until:
        with unit_of_work():
            mail: EvidenceMail | None = work_queue.claim(EvidenceMail, timedelta(seconds=LEASE))
            roots = _roots_of(mail) if mail else ()
        if mail is None:
            break
        count += _send(mail, roots)
    return count


def _roots_of(mail: EvidenceMail) -> Sequence[EvidenceRoot]:
    query = select(EvidenceRoot).where(EvidenceRoot.mail_id == mail.id)
    return list(db.session.scalars(query.order_by(EvidenceRoot.day, EvidenceRoot.owner_id)))


def _send(mail: EvidenceMail, roots: Sequence[EvidenceRoot]) -> bool:
    config, claim_id = current_app.config, mail.claim_id
    if claim_id is None:
        return False
    try:
        mail_server.send(_message(mail, roots), config["SMTP_URL"], config["TRUSTED_CA_FILE"])
    except mail_server.MailRefused as refused:
        log.warning("roots_not_mailed", reason=str(refused))
        with unit_of_work():
            work_queue.retry_for_ever(EvidenceMail, claim_id, mail.attempts, str(refused))
        return False
    with unit_of_work():
        return work_queue.finish(EvidenceMail, claim_id)


def _message(mail: EvidenceMail, roots: Sequence[EvidenceRoot]) -> EmailMessage:
    config, message = current_app.config, EmailMessage()
    first, last = roots[0].day.isoformat(), roots[-1].day.isoformat()
    message["Subject"] = f"Invoice Hub: roots of {first if first == last else f'{first} to {last}'}"
    message["From"], message["To"] = config["MAIL_FROM"], ", ".join(config["ROOTS_MAIL_TO"])
    message["Date"] = format_datetime(clock.now().astimezone(UTC))
    message["Message-ID"] = make_msgid(f"roots-{mail.id}", config["MAIL_FROM"].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_TEXT + "".join(f"{root.day.isoformat()} {root.owner_id} {root.root}\n" for root in roots))
    lines = "".join(f"{root.body}\n" for root in roots).encode()
    message.add_attachment(lines, maintype="application", subtype="jsonl", filename=FILE)
    return message
