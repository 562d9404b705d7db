"""Mode of a document: a legal one, or a test document, which takes no legal number and goes to test accounts only."""

from __future__ import annotations

from sqlalchemy import select

from app.einvoices.models.einvoices import Einvoice
from app.einvoices.models.provider_accounts import Mode, ProviderAccount
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.messages import N_

_LIVE_ONLY = N_("This is a legal document; it cannot go through a test account.")
_TEST_ONLY = N_("This is a test document; it can only go through a test account.")


def find_mode(einvoice: Einvoice) -> bool:
    """Whether a draft becomes a test document at issue; the mode of its account cannot change until the commit.

    A return, credit note or correction is what its original is.

    Raises:
        Invalid: its account has another mode than its original.
    """
    account = _lock_account(einvoice.provider_account_id)
    source = _find_source(einvoice)
    if source is None:
        return account is not None and account.mode == Mode.TEST
    if einvoice.provider_account_id != source.provider_account_id:
        require_mode(account, is_test=source.is_test)
    return source.is_test


def will_be_test(einvoice: Einvoice) -> bool:
    """Whether it is a test document, or a draft that becomes one if it is issued as it is."""
    if einvoice.is_test or einvoice.number is not None:
        return einvoice.is_test
    if (source := _find_source(einvoice)) is not None:
        return source.is_test
    account = db.session.get(ProviderAccount, einvoice.provider_account_id) if einvoice.provider_account_id else None
    return account is not None and account.mode == Mode.TEST


def require_account(einvoice: Einvoice) -> None:
    """Refuse the account of a draft that follows another document of the other mode.

    Raises:
        Invalid: as ``find_mode``.
    """
    if _find_source(einvoice) is not None:
        find_mode(einvoice)


def require_mode(account: ProviderAccount | None, *, is_test: bool) -> None:
    """Refuse an account, or the settings of the installation, for a document of the other mode.

    Raises:
        Invalid: a test document would go to a live provider, or a legal one to a test account.
    """
    if (account is not None and account.mode == Mode.TEST) != is_test:
        raise Invalid({"provider_account_id": [_TEST_ONLY if is_test else _LIVE_ONLY]})


def _lock_account(account_id: int | None) -> ProviderAccount | None:
    if account_id is None:
        return None
    query = select(ProviderAccount).where(ProviderAccount.id == account_id).with_for_update(read=True)
    found: ProviderAccount | None = db.session.scalar(query.execution_options(populate_existing=True))
    return found


def _find_source(einvoice: Einvoice) -> Einvoice | None:
    source_id = einvoice.corrects_id or einvoice.original_id
    return None if source_id is None else db.session.get_one(Einvoice, source_id)
