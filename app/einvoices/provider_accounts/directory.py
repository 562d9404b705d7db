"""Directory of provider accounts: create, find, change, archive, rotate the callback secret."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask import current_app
from sqlalchemy import Select, func, select, update

from app.accounts import audit
from app.accounts.ownership import Scope, lock_user
from app.einvoices import account_events
from app.einvoices.decisions import decision_checks
from app.einvoices.errors import AccountHasDocuments, AllowancesNotYours, TooManyAccounts, UnknownAccount
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import Mode, ProviderAccount
from app.einvoices.provider_accounts import archived_work
from app.einvoices.providers import sendings
from app.einvoices.providers.clients import ADAPTERS
from app.extensions import db
from app.kernel import clock
from app.kernel.errors import Invalid
from app.kernel.messages import N_
from app.kernel.outbound import ssrf
from app.kernel.outbound.shared_secret import generate_secret
from app.kernel.secret_box import seal
from app.kernel.unit_of_work import after_commit

_PLAIN_FIELDS = ("name", "mode", "mapping", "document_format", "concurrency", "rate_per_minute", "enabled", "extra")
#: Fields that say where e-invoices go, and as whom; after a change of them the connection has to be tested again.
_TESTED_FIELDS = ("adapter", "url", "lookup_url", "allowances", "token")
URLS = ("url", "lookup_url")
#: Values before and after a change are in the audit trail; ``extra`` may be large.
_AUDITED_FIELDS = ("adapter", *URLS, "is_default", *(name for name in _PLAIN_FIELDS if name != "extra"))


@dataclass(frozen=True, slots=True)
class AccountWithSecret:
    """An account and its plain callback secret, which is shown once."""

    account: ProviderAccount
    callback_secret: str


def create(data: Mapping[str, Any], owner_id: int, *, actor: str, may_allow: bool) -> AccountWithSecret:
    """Create an account, which has to be tested before it is used; its callback secret is returned only here.

    Raises:
        Invalid: an address is missing or refused.
        AllowancesNotYours: ``allowances`` were sent by a caller who is no admin.
        AccountNameTaken: the user has an account with this name.
        TooManyAccounts: the user has ``PROVIDER_ACCOUNTS_PER_USER`` accounts.
    """
    _require_right_to_allow(data, may_allow)
    lock_user(owner_id)
    active = scoped(owner_id).where(ProviderAccount.archived_at.is_(None)).subquery()
    if (db.session.scalar(select(func.count()).select_from(active)) or 0) >= current_app.config[
        "PROVIDER_ACCOUNTS_PER_USER"
    ]:
        raise TooManyAccounts
    secret = generate_secret()
    account = ProviderAccount(owner_id=owner_id, callback_secret=seal(secret.encode()), allowances=[])
    account.url = account.lookup_url = ""
    _set_fields(account, data)
    db.session.add(account)
    db.session.flush()
    _set_default(account, data.get("is_default", False), actor)
    account_events.record("created", account, actor, name=account.name, url=account.url, allowances=account.allowances)
    return AccountWithSecret(account, secret)


def find(account_id: int, scope: Scope) -> ProviderAccount:
    """Return an account, also an archived one.

    Raises:
        UnknownAccount: no account in this scope has the id.
    """
    return _one(scoped(scope).where(ProviderAccount.id == account_id))


def find_for_update(account_id: int, scope: Scope) -> ProviderAccount:
    """Return an account that is not archived, and lock its row until the commit.

    Raises:
        UnknownAccount: no such account in this scope has the id.
    """
    active = scoped(scope).where(ProviderAccount.id == account_id, ProviderAccount.archived_at.is_(None))
    return _one(active.with_for_update(key_share=True))


def find_for_draft(account_id: int, owner_id: int) -> ProviderAccount:
    """Return an account that is not archived; until the commit it cannot be deleted, only archived.

    Raises:
        UnknownAccount: the owner has no such account.
    """
    active = scoped(owner_id).where(ProviderAccount.id == account_id, ProviderAccount.archived_at.is_(None))
    return _one(active.with_for_update(read=True, key_share=True))


def default_of(owner_id: int) -> ProviderAccount | None:
    """The account of new drafts: the live default; a test default takes them only as long as there is no live one.

    Until the commit it cannot be deleted.
    """
    defaults = scoped(owner_id).where(ProviderAccount.is_default, ProviderAccount.archived_at.is_(None))
    found: ProviderAccount | None = db.session.scalar(
        defaults.order_by((ProviderAccount.mode == Mode.LIVE).desc())
        .limit(1)
        .with_for_update(read=True, key_share=True)
    )
    return found


def choices(owner_id: int) -> Sequence[ProviderAccount]:
    """The accounts that a draft of this owner can have, by name."""
    active = scoped(owner_id).where(ProviderAccount.archived_at.is_(None))
    return list(db.session.scalars(active.order_by(ProviderAccount.name)))


def change(account_id: int, data: Mapping[str, Any], scope: Scope, *, actor: str, may_allow: bool) -> ProviderAccount:
    """Change the fields in ``data``; another address, adapter or token has to be tested again before it is used.

    Raises:
        UnknownAccount: no such account in this scope has the id.
        Invalid: an address is missing or refused, or the stored token would go to another host.
        AllowancesNotYours: ``allowances`` were sent by a caller who is no admin.
        AccountNameTaken: the user has an account with this name.
        AccountInDoubt: adapter or address would change while the provider may have e-invoices without an answer.
        AccountHasDocuments: the mode would change, and e-invoices were issued for the present one.
    """
    lock_user(find(account_id, scope).owner_id)  # lock order: the user first, then the accounts
    account = find_for_update(account_id, scope)
    _require_no_doubt(account, data)
    if data.get("mode", account.mode) != account.mode and _is_used(account, issued=True):
        raise AccountHasDocuments
    _require_right_to_allow(data, may_allow)
    if "allowances" in data and data["allowances"] != account.allowances:
        account_events.record("allowances_changed", account, actor, before=account.allowances, after=data["allowances"])
    present, is_default = audit.state_of(account, _AUDITED_FIELDS), data.get("is_default", account.is_default)
    account.is_default = False  # another mode may have a default of its own
    _set_fields(account, data)
    db.session.flush()
    _set_default(account, is_default, actor)
    account.updated_at = clock.now()
    changed = audit.changes(present, audit.state_of(account, _AUDITED_FIELDS))
    account_events.record("changed", account, actor, fields=sorted(data), changed=changed)
    return account


def remove(account_id: int, scope: Scope, *, actor: str) -> bool:
    """Delete an account that no e-invoice refers to; archive any other one, and return whether it was archived.

    Nothing is sent through it from now on. A worker ends its sendings that wait, as ``failed`` with the reason, or they
    stay in doubt; reports of the provider about e-invoices that it has are still taken.

    Raises:
        UnknownAccount: no such account in this scope has the id.
    """
    account = find_for_update(account_id, scope)
    if not _is_used(account):
        # Wait for the drafts that are being created with it.
        db.session.execute(select(ProviderAccount.id).where(ProviderAccount.id == account.id).with_for_update())
    if not _is_used(account):
        account_events.record("deleted", account, actor, name=account.name)
        db.session.delete(account)
        db.session.flush()
        return False
    account.archived_at = account.updated_at = clock.now()
    account.is_default = False
    account_events.record("archived", account, actor, name=account.name)
    after_commit(archived_work.trigger_sweep)
    return True


def rotate(account_id: int, grace_hours: int, scope: Scope, *, actor: str) -> AccountWithSecret:
    """Give an account a new callback secret; for ``grace_hours`` callbacks with the old one are accepted too.

    Raises:
        UnknownAccount: no such account in this scope has the id.
    """
    account = find_for_update(account_id, scope)
    secret = generate_secret()
    account.previous_callback_secret = account.callback_secret if grace_hours else None
    account.previous_callback_secret_until = clock.now() + timedelta(hours=grace_hours) if grace_hours else None
    account.callback_secret, account.updated_at = seal(secret.encode()), clock.now()
    account_events.record("secret_rotated", account, actor, grace_hours=grace_hours)
    return AccountWithSecret(account, secret)


def _is_used(account: ProviderAccount, *, issued: bool = False) -> bool:
    used = select(Einvoice.id).where(Einvoice.provider_account_id == account.id)
    used = used.where(Einvoice.number.is_not(None)) if issued else used
    return db.session.scalar(used.limit(1)) is not None


def _require_no_doubt(account: ProviderAccount, data: Mapping[str, Any]) -> None:
    """Refuse another provider while the present one may have e-invoices: the other one would be asked for them.

    For the same reason the checks of decisions end.
    """
    if all(data.get(name, getattr(account, name)) == getattr(account, name) for name in ("adapter", *URLS)):
        return
    sendings.require_no_doubt_of_lane(account.id)
    decision_checks.end_of_lane(account.id)


def tested_values(account: ProviderAccount) -> list[Any]:
    """What the connection test tests; a test that ran with other values says nothing about the account."""
    return [getattr(account, name) for name in _TESTED_FIELDS]


def _set_fields(account: ProviderAccount, data: Mapping[str, Any]) -> None:
    present, urls = tested_values(account), {name: getattr(account, name) for name in URLS}
    allowances = account.allowances
    for name in (*_PLAIN_FIELDS, "adapter", *URLS, "allowances"):
        if name in data:
            setattr(account, name, data[name])
    if "token" in data:
        account.token = seal(data["token"].encode()) if data["token"] else None
    if present != tested_values(account):
        account.tested_at = account.test_passed = account.test_message = None
    if ADAPTERS[account.adapter].is_addressed and not account.url:
        raise Invalid({"url": [N_("This adapter needs the address to send to.")]})
    for name in URLS:
        # An address that stays may lead nowhere at present: its account can still be changed, and be disabled.
        if data.get(name) and (data[name] != urls[name] or account.allowances != allowances):
            _require_allowed(name, data[name], account.allowances)
    if account.token is not None and "token" not in data:
        _require_known_origins(account, urls.values())


def _require_known_origins(account: ProviderAccount, earlier: Iterable[str]) -> None:
    """Refuse an address that would get a token which was meant for another machine, or for an encrypted connection."""
    known = {ssrf.parse_target(url) for url in earlier if url}
    if any(url and ssrf.parse_target(url) not in known for url in (account.url, account.lookup_url)):
        raise Invalid({"token": [N_("Enter the token again: an address leads to another host, port or scheme.")]})


def _require_allowed(name: str, url: str, allowances: Sequence[Mapping[str, Any]]) -> None:
    try:
        ssrf.resolve_target(ssrf.parse_target(url), allowances)
    except ssrf.AddressError as refused:
        raise Invalid({name: [refused.message]}) from refused


def _require_right_to_allow(data: Mapping[str, Any], may_allow: bool) -> None:
    if "allowances" in data and not may_allow:
        raise AllowancesNotYours


def _set_default(account: ProviderAccount, is_default: bool, actor: str) -> None:
    """Make it the only default of its owner, who is locked, and mode; or no default. The previous one is recorded."""
    if is_default:
        others = update(ProviderAccount).where(
            ProviderAccount.owner_id == account.owner_id,
            ProviderAccount.mode == account.mode,
            ProviderAccount.id != account.id,
            ProviderAccount.is_default,
        )
        for other in db.session.scalars(others.values(is_default=False).returning(ProviderAccount)):
            account_events.record("default_lost", other, actor, to=account.id)
    account.is_default = is_default
    db.session.flush()


def scoped(scope: Scope) -> Select[Any]:
    """The accounts of a user, or of all for None."""
    query = select(ProviderAccount)
    return query if scope is None else query.where(ProviderAccount.owner_id == scope)


def _one(query: Select[Any]) -> ProviderAccount:
    found: ProviderAccount | None = db.session.scalar(query.execution_options(populate_existing=True))
    if found is None:
        raise UnknownAccount
    return found
