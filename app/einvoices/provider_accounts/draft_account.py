"""Account of a draft: the one that was named, or the default of its owner; the provider follows the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.einvoices.errors import UnknownAccount
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.provider_accounts import directory
from app.kernel.errors import Invalid
from app.kernel.messages import N_

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


def _columns(account: ProviderAccount) -> dict[str, Any]:
    return {"provider_account_id": account.id, "provider": account.adapter}
