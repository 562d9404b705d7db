"""When and from where tokens and keys were last used: read off the record of calls, never written by a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, update

from app.accounts.models.accounts import ApiKey
from app.accounts.models.tokens import AccessToken
from app.extensions import db

#: How old the last use may be before it is written again.
WRITE_INTERVAL = timedelta(minutes=5)
_MODELS: Mapping[str, Any] = {"token": AccessToken, "api_key": ApiKey}

#: Credential, moment and address of a call.
Use = tuple[str, datetime, str | None]


def record_uses(uses: Iterable[Use]) -> None:
    """Write the last use of each credential among ``uses`` that was not written lately."""
    newest: dict[str, Use] = {use[0]: use for use in uses}
    # In one order everywhere, so that two processes never wait for each other.
    for credential, moment, address in sorted(newest.values(), key=lambda use: use[0]):
        kind, _, number = credential.partition(":")
        model = _MODELS.get(kind)
        if model is None or not number.isdigit():
            continue
        stale = or_(model.last_used_at.is_(None), model.last_used_at < moment - WRITE_INTERVAL)
        seen = {"last_used_at": moment, "last_used_address": address}
        db.session.execute(update(model).where(model.id == int(number), stale).values(seen))
