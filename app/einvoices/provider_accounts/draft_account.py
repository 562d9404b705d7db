"""Account of a draft: the one that was named, or the default of its owner; and whether it is ready to send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.einvoices.errors import AccountNotReady, UnknownAccount
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import AccountState, ProviderAccount
from app.einvoices.provider_accounts import directory
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.messages import N_

#: Ready accounts that a refusal names.
_MAX_NAMED = 10
_UNKNOWN = N_("You have no provider account with this id.")
_OTHER = N_("Leave it out, or name the adapter of the provider account.")


def for_new(data: Mapping[str, Any], owner_id: int, default_provider: str) -> dict[str, Any]:
    """Columns of a new draft; a named ``provider`` means the settings of the installation.

    Raises:
        Invalid: the owner has no such account, or it has another adapter than the provider that was named.
    """
    if "provider" not in data and "provider_account_id" not in data:
        account = directory.default_of(owner_id)
        return _columns(account) if account else {"provider_account_id": None, "provider": default_provider}
    return {"provider": default_provider, **for_change(data, owner_id, default_provider)}


def for_change(data: Mapping[str, Any], owner_id: int, default_provider: str) -> dict[str, Any]:
    """Columns that a change sets.

    Raises:
        Invalid: as for ``for_new``.
    """
    if data.get("provider_account_id") is not None:
        columns = _columns(named(data["provider_account_id"], owner_id))
        if data.get("provider", columns["provider"]) != columns["provider"]:
            raise Invalid({"provider": [_OTHER]})
        return columns
    if "provider" in data or "provider_account_id" in data:
        return {"provider_account_id": None, "provider": data.get("provider", default_provider)}
    return {}


def named(account_id: int, owner_id: int) -> ProviderAccount:
    """The account with an id, if it is not archived.

    Raises:
        Invalid: the owner has no such account.
    """
    try:
        return directory.find_for_draft(account_id, owner_id)
    except UnknownAccount as error:
        raise Invalid({"provider_account_id": [_UNKNOWN]}) from error


def require_ready(einvoice: Einvoice) -> None:
    """Refuse to queue a sending through an account that is not ready; nothing may be sent untested.

    It goes to no other provider than the one that its seller saw: the refusal names the accounts to choose from.

    Raises:
        AccountNotReady: its connection was not tested or the test failed, or it is disabled or archived.
    """
    if einvoice.provider_account_id is None:
        return
    account = db.session.get_one(ProviderAccount, einvoice.provider_account_id)
    if account.state != AccountState.READY:
        raise not_ready(account)


def not_ready(account: ProviderAccount) -> AccountNotReady:
    """The refusal of an account that is not ready, with the ready accounts of its owner that have its mode."""
    known = directory.choices(account.owner_id)
    ready = [each for each in known if each.state == AccountState.READY and each.mode == account.mode]
    return AccountNotReady(account.state.value, {each.id: each.name for each in ready[:_MAX_NAMED]})


def _columns(account: ProviderAccount) -> dict[str, Any]:
    return {"provider_account_id": account.id, "provider": account.adapter}
