"""Callbacks of providers: checked by the secret of the account, applied once, for e-invoices of this account only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from app.einvoices.errors import UnknownEinvoice, WrongSignature
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import ProviderAccount, ProviderCallback
from app.einvoices.models.work import EinvoiceSending
from app.einvoices.providers import sendings, status_reports
from app.einvoices.queries.lookup import find
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_, Message
from app.kernel.outbound.shared_secret import generate_secret, is_signed
from app.kernel.secret_box import DecryptionFailed, unseal

ID_HEADER, MAX_ID_LENGTH = "webhook-id", 255
#: A provider may repeat a callback so long after the first time.
RETENTION = timedelta(days=30)
#: Stands for the secret of an account that does not exist, so that this takes as long to refuse.
_NOBODYS_SECRET = generate_secret()


@dataclass(frozen=True, slots=True)
class AppliedCallback:
    """The e-invoice after a callback; ``repeated``: its id was applied before, and nothing changed."""

    einvoice: Einvoice
    repeated: bool


def authenticate(account_id: int, headers: Mapping[str, str], body: bytes) -> ProviderAccount:
    """The account whose secret signed a callback; an archived one too, because its e-invoices are still reported.

    Raises:
        WrongSignature: the account does not exist, the signature is wrong, or the callback is too old.
    """
    account: ProviderAccount | None = db.session.get(ProviderAccount, account_id)
    if not is_signed(_secrets(account), headers, body, clock.now()) or account is None:
        raise WrongSignature
    return account


def apply(account: ProviderAccount, message_id: str, data: Mapping[str, Any]) -> AppliedCallback:
    """Apply a callback once, by the same rules as every report of a status.

    Raises:
        Invalid: the id of the message is missing or too long, or nothing names the e-invoice.
        UnknownEinvoice: no e-invoice that was sent through this account matches.
    """
    if not 0 < len(message_id) <= MAX_ID_LENGTH or not message_id.isprintable():
        raise Invalid({ID_HEADER: [Message(N_("Use 1 to %(n)s printable characters."), n=MAX_ID_LENGTH)]})
    einvoice_id = _find_id(account, data)
    added = insert(ProviderCallback).values(account_id=account.id, message_id=message_id, received_at=clock.now())
    is_new = added.on_conflict_do_nothing().returning(ProviderCallback.message_id)
    if db.session.scalar(is_new) is None:
        return AppliedCallback(find(einvoice_id, None, items=False), repeated=True)
    reported = status_reports.report(einvoice_id, data, None, account=account)
    return AppliedCallback(reported, repeated=False)


def purge() -> int:
    """Delete the ids of old callbacks; return their number."""
    old = delete(ProviderCallback).where(ProviderCallback.received_at < clock.now() - RETENTION)
    result: Any = db.session.execute(old)
    return int(result.rowcount)


def _secrets(account: ProviderAccount | None) -> list[str]:
    if account is None:
        return [_NOBODYS_SECRET]
    sealed, until = [account.callback_secret], account.previous_callback_secret_until
    if account.previous_callback_secret and until and clock.now() < until:
        sealed.append(account.previous_callback_secret)
    try:
        return [unseal(secret).decode() for secret in sealed]
    except DecryptionFailed:
        return [_NOBODYS_SECRET]


def _find_id(account: ProviderAccount, data: Mapping[str, Any]) -> int:
    through = EinvoiceSending.lane_id == account.id
    conditions: list[ColumnElement[bool]] = []
    if "key" in data:
        conditions.append(_was_sent(through, EinvoiceSending.key == data["key"]))
    if "invoice_no" in data:
        conditions.append(Einvoice.invoice_no == data["invoice_no"])
    if not conditions:
        if not data.get("provider_invoice_id"):
            raise Invalid({"key": [N_("Name the e-invoice by key, invoice_no or provider_invoice_id.")]})
        # The number was given by the provider of the present account.
        conditions += [
            Einvoice.provider_account_id == account.id,
            Einvoice.provider_invoice_id == data["provider_invoice_id"],
        ]
    mine = Einvoice.owner_id == account.owner_id
    found: int | None = db.session.scalar(
        select(Einvoice.id).where(mine, *conditions, _was_sent(through)).order_by(Einvoice.id.desc()).limit(1)
    )
    if found is None:
        raise UnknownEinvoice
    return found


def _was_sent(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Condition: a worker has begun to send the e-invoice."""
    return exists().where(EinvoiceSending.einvoice_id == Einvoice.id, sendings.is_attempted(), *conditions)
