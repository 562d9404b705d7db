"""Task that deletes expired rows of accounts: login sessions, attempts, idempotency keys, API calls."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import ColumnElement, delete, select, tuple_

from app.accounts.login.attempt_counts import NETWORK_RETENTION
from app.accounts.models.accounts import ApiCall, IdempotencyKey, LoginSession
from app.accounts.models.login_attempts import Invitation, LoginCount, LoginNetwork
from app.extensions import Model, celery, db
from app.kernel import clock
from app.kernel.database import month_partitions
from app.kernel.unit_of_work import unit_of_work

BATCH_SIZE = 1000


@celery.task(name="accounts.purge")
def purge() -> int:
    """Delete expired rows in small batches and return their number; whole months of API calls do not count."""
    config = current_app.config
    month_partitions.drop_expired(ApiCall.__tablename__, clock.now() - config["API_CALL_RETENTION"])
    with unit_of_work():
        before_months = ApiCall.id < month_partitions.first_upper(ApiCall.__tablename__)
    return (
        _purge(IdempotencyKey, IdempotencyKey.created_at, config["IDEMPOTENCY_LIFETIME"])
        + _purge(LoginSession, LoginSession.expires_at, timedelta())
        + _purge(LoginCount, LoginCount.ends_at, timedelta())
        + _purge(LoginNetwork, LoginNetwork.last_login_at, NETWORK_RETENTION)
        + _purge(Invitation, Invitation.expires_at, timedelta())
        + _purge(ApiCall, ApiCall.created_at, config["API_CALL_RETENTION"], before_months)
    )


def _purge(model: type[Model], column: Any, retention: timedelta, *conditions: ColumnElement[bool]) -> int:
    key = tuple_(*model.__table__.primary_key)
    total = 0
    while True:
        with unit_of_work():
            expired = select(*model.__table__.primary_key).where(column < clock.now() - retention, *conditions)
            deleted: int = db.session.execute(delete(model).where(key.in_(expired.limit(BATCH_SIZE)))).rowcount
        total += deleted
        if deleted < BATCH_SIZE:
            return total
