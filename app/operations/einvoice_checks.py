"""Checks of the doctor about e-invoices: sendings in doubt, and a provider that refuses the credentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from app.einvoices.providers import lockouts
from app.einvoices.providers.sendings import is_doubtful
from app.extensions import db
from app.operations.findings import Finding, State


def _doubts() -> Iterator[Finding]:
    try:
        number = db.session.scalar(select(func.count()).where(is_doubtful()))
    except SQLAlchemyError:
        db.session.rollback()
        return  # the check of the database reports it
    if number:
        yield Finding(
            "e-invoices",
            State.WARNING,
            f"{number} are in doubt: the provider gave no clear answer, and it may have them",
            "List them by: flask --app wsgi einvoices in-doubt; see docs/einvoices.md.",
        )


def _lockout() -> Iterator[Finding]:
    try:
        lane = lockouts.find_lockout()
        waiting = lockouts.count_waiting(lane) if lane else 0
    except SQLAlchemyError:
        db.session.rollback()
        return  # the check of the database or the migrations reports it
    if lane is not None:
        yield Finding(
            "e-invoices",
            State.WARNING,
            f"the provider of EINVOICE_PROVIDER_URL refuses the credentials ({lane.refusal}); {waiting} sendings wait",
            "Correct EINVOICE_PROVIDER_TOKEN and restart, or run: flask --app wsgi einvoices test-provider",
        )


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (_doubts, _lockout)
