"""Lockouts: a provider refuses the credentials; what would be sent waits until somebody has looked after them.

An account is stopped until its next connection test. The settings of the installation are locked out until they change,
or until the operator tests them.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime
from uuid import uuid4

from flask import current_app
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update

from app.accounts import audit
from app.einvoices import account_events
from app.einvoices.models.provider_accounts import ProviderAccount, ProviderLane
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers import lanes
from app.einvoices.providers.clients import ADAPTERS
from app.einvoices.providers.contract import ProviderRejected
from app.einvoices.providers.prepared_requests import NO_DOCUMENT, PreparedRequest, prepare_for_settings
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import commit_early
from app.kernel.worker.work_queue import MAX_ERROR_LENGTH, WorkState

#: Who stops an account, in the audit trail.
ACTOR = "invoice-hub"
_SETTINGS = ("EINVOICE_PROVIDER_URL", "EINVOICE_PROVIDER_LOOKUP_URL", "EINVOICE_PROVIDER_TOKEN")
_SUBJECT = "provider:installation"
_NOT_REFUSED = {"refused_at": None, "refusal": None, "refused_adapter": None, "refused_settings": None}


def stop_account(account_id: int, reason: str, asked_at: datetime) -> None:
    """Let all sendings of an account wait for its next connection test; a test since ``asked_at`` knows better."""
    passed, is_older = ProviderAccount.test_passed.is_(True), ProviderAccount.tested_at < asked_at
    stopped = update(ProviderAccount).where(ProviderAccount.id == account_id, passed, is_older)
    message = reason[:MAX_ERROR_LENGTH]
    if db.session.execute(stopped.values(test_passed=False, test_message=message, tested_at=clock.now())).rowcount:
        account = db.session.get_one(ProviderAccount, account_id, populate_existing=True)
        account_events.record("stopped", account, ACTOR, reason=message)


def lock_out_settings(adapter: str, reason: str) -> None:
    """Let the sendings of the installation's settings wait; those of another adapter go on."""
    used, message = _fingerprint(), reason[:MAX_ERROR_LENGTH]
    known = ProviderLane.refused_settings.is_not_distinct_from(used)
    lane = update(ProviderLane).where(ProviderLane.id == lanes.INSTALLATION, ~known)
    values = {"refused_at": clock.now(), "refusal": message, "refused_adapter": adapter, "refused_settings": used}
    if db.session.execute(lane.values(values)).rowcount:
        audit.record("provider_settings.refused", actor=ACTOR, subject=_SUBJECT, reason=message)


def locked_out_adapters() -> Sequence[str]:
    """The adapters whose installation-wide settings the provider refuses; settings that changed are used again."""
    lane = find_lockout()
    if lane is None or lane.refused_adapter is None:
        return ()
    if lane.refused_settings == _fingerprint():
        return (lane.refused_adapter,)
    _end(ACTOR, lane.refused_settings)
    return ()


def find_lockout() -> ProviderLane | None:
    """The lane of the installation's settings, if the provider refuses them."""
    lane: ProviderLane | None = db.session.scalar(
        select(ProviderLane)
        .where(ProviderLane.id == lanes.INSTALLATION, ProviderLane.refused_at.is_not(None))
        .execution_options(populate_existing=True)
    )
    return lane


def count_waiting(lane: ProviderLane) -> int:
    """Number of the sendings that wait because the provider refuses the settings."""
    waiting = select(func.count()).where(
        EinvoiceSending.state == WorkState.PENDING,
        EinvoiceSending.lane_id == lane.id,
        EinvoiceSending.provider == lane.refused_adapter,
    )
    return db.session.scalar(waiting) or 0


def waits_for_person() -> ColumnElement[bool]:
    """Condition: nothing is sent before somebody has looked after the account, or after the settings."""
    is_ready = and_(ProviderAccount.enabled, ProviderAccount.test_passed.is_(True))
    of_account = exists().where(
        ProviderAccount.id == EinvoiceSending.lane_id,
        ProviderAccount.archived_at.is_(None),
        ~is_ready,
    )
    of_settings = exists().where(
        ProviderLane.id == lanes.INSTALLATION,
        EinvoiceSending.lane_id == ProviderLane.id,
        EinvoiceSending.provider == ProviderLane.refused_adapter,
    )
    return or_(of_account, of_settings)


def check_settings(adapter: str, *, actor: str) -> str | None:
    """Test the connection of the installation's settings, outside of any transaction; return what is wrong with it.

    When nothing is, what waits is sent.
    """
    prepared = prepare_for_settings(adapter, NO_DOCUMENT, str(uuid4()))
    commit_early()
    fault = _find_fault(prepared)
    audit.record("provider_settings.tested", actor=actor, subject=_SUBJECT, passed=fault is None, message=fault)
    if fault is None and (lane := find_lockout()) is not None:
        _end(actor, lane.refused_settings)
    return fault


def _find_fault(prepared: PreparedRequest) -> str | None:
    adapter = ADAPTERS[prepared.adapter]
    if adapter.is_addressed and not prepared.request.url:
        return "EINVOICE_PROVIDER_URL is not set."
    try:
        adapter.check(prepared.request)
    except ProviderRejected as rejected:
        return str(rejected)
    return None


def _end(actor: str, settings: str | None) -> None:
    """End a lockout, unless it was replaced by another one meanwhile."""
    lane = update(ProviderLane).where(
        ProviderLane.id == lanes.INSTALLATION,
        ProviderLane.refused_at.is_not(None),
        ProviderLane.refused_settings.is_not_distinct_from(settings),
    )
    if db.session.execute(lane.values(_NOT_REFUSED)).rowcount:
        audit.record("provider_settings.used_again", actor=actor, subject=_SUBJECT)


def _fingerprint() -> str:
    """What the settings are, without telling them: nobody can try tokens against it who does not know the key."""
    config = current_app.config
    text = "\n".join(config[name] for name in _SETTINGS)
    return hmac.new(config["SECRET_KEY"].encode(), text.encode(), "sha256").hexdigest()
