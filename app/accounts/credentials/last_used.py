"""Last use of tokens and keys (time, address): written with each batch of API calls, never by a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, update

from app.accounts.models.accounts import ApiKey
from app.accounts.models.tokens import AccessToken
from app.extensions import db

#: The last use is written again when the stored one is older than this.
WRITE_INTERVAL = timedelta(minutes=5)
_MODELS: Mapping[str, Any] = {"token": AccessToken, "api_key": ApiKey}

#: Credential, time and address of a call.
Use = tuple[str, datetime, str | None]


def record_uses(uses: Iterable[Use]) -> None:
    """Store the latest use of each credential in ``uses``, unless a recent use is stored already."""
    latest: dict[str, Use] = {use[0]: use for use in uses}
    # All processes lock the rows in the same order: no deadlock.
    for credential, used_at, address in sorted(latest.values(), key=lambda use: use[0]):
        kind, _, row_id = credential.partition(":")
        model = _MODELS.get(kind)
        if model is None or not row_id.isdigit():
            continue
        stale = or_(model.last_used_at.is_(None), model.last_used_at < used_at - WRITE_INTERVAL)
        values = {"last_used_at": used_at, "last_used_address": address}
        db.session.execute(update(model).where(model.id == int(row_id), stale).values(values))
