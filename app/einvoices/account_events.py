"""Events of provider accounts; they have no address, token or secret."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from app import events
from app.accounts import audit
from app.einvoices.models.provider_accounts import AccountState, Mode, ProviderAccount
from app.formats.legal_format import LegalFormat
from app.kernel.schemas.fields import Choice, Metadata, Schema, Timestamp


class AnnouncedAccountSchema(Schema):
    """A provider account in the payload of an event."""

    id = fields.Integer()
    name = fields.String()
    adapter = fields.String()
    mode = Choice(*Mode)
    state = Choice(*AccountState)
    document_format = Choice(*LegalFormat, allow_none=True)
    is_default = fields.Boolean()
    tested_at = Timestamp(allow_none=True)
    test_message = fields.String(allow_none=True)
    archived_at = Timestamp(allow_none=True)
    extra = Metadata(data_key="metadata", allow_none=True)
    updated_at = Timestamp()


def _define(name: str, description: str) -> events.EventType:
    return events.define(
        f"provider_account.{name}", AnnouncedAccountSchema, description, key="account", ability="einvoices:read"
    )


CREATED = _define("created", "A provider account was created.")
CHANGED = _define("changed", "A provider account was changed, enabled or disabled, or got another callback secret.")
REMOVED = _define("removed", "A provider account was archived, or deleted because no e-invoice refers to it.")
TESTED = _define("tested", "The connection of a provider account was tested.")
LOCKED_OUT = _define("locked_out", "A provider refuses the credentials of an account; its sendings wait.")
#: Action in the audit trail -> its event. A change of allowances is part of a change.
_EVENTS = {
    "created": CREATED,
    **dict.fromkeys(("changed", "default_lost", "secret_rotated"), CHANGED),
    **dict.fromkeys(("archived", "deleted"), REMOVED),
    "tested": TESTED,
    "stopped": LOCKED_OUT,
}


def record(action: str, account: ProviderAccount, actor: str, **details: Any) -> None:
    """Record an action in the audit trail, and emit its event if it has one."""
    subject = f"provider_account:{account.id}"
    audit.record(f"provider_account.{action}", actor=actor, subject=subject, owner_id=account.owner_id, **details)
    if action in _EVENTS:
        _emit(_EVENTS[action], account)


def _emit(event: events.EventType, account: ProviderAccount) -> None:
    owner_id = account.owner_id
    events.emit(event, account, subject_id=account.id, owner_id=owner_id, user={"id": owner_id})
