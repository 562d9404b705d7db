"""Connection test of an account: whether its provider answers and lets the hub in, without sending anything."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import structlog

from app.accounts.ownership import Scope
from app.einvoices import account_events
from app.einvoices.errors import AccountInTest
from app.einvoices.models.provider_accounts import ProviderAccount
from app.einvoices.provider_accounts import directory
from app.einvoices.providers.clients import ADAPTERS
from app.einvoices.providers.contract import ProviderRejected
from app.einvoices.providers.prepared_requests import NO_DOCUMENT, PreparedRequest, prepare_for
from app.kernel import clock
from app.kernel.messages import N_
from app.kernel.unit_of_work import after_commit, commit_early
from app.kernel.worker.celery_app import DebouncedTask

log = structlog.get_logger(__name__)
PASSED = N_("The provider answered.")
CHANGED = N_("The account was changed during the test.")
_MAX_MESSAGE_LENGTH = 500
#: A test takes at most ``http_provider.LOOK_UP_DEADLINE``; one whose process was killed blocks the next so long.
_LONGEST_TEST = timedelta(seconds=15)
_trigger_sender = DebouncedTask("einvoices.send")


def run(account_id: int, scope: Scope, *, actor: str) -> ProviderAccount:
    """Test the connection, outside of any transaction, and store the result with its time.

    Raises:
        UnknownAccount: no such account in this scope has the id.
        AccountInTest: another test of the account is running.
    """
    account = directory.find_for_update(account_id, scope)
    _begin(account)
    prepared, tested = prepare_for(account, NO_DOCUMENT, str(uuid4())), directory.tested_values(account)
    commit_early()
    fault = _find_fault(prepared)
    account = directory.find_for_update(account_id, scope)
    if directory.tested_values(account) != tested:
        fault = CHANGED
    account.tested_at, account.test_passed, account.testing_until = clock.now(), fault is None, None
    account.test_message = (fault or PASSED)[:_MAX_MESSAGE_LENGTH]
    facts = {"passed": account.test_passed, "message": account.test_message}
    account_events.record("tested", account, actor, **facts)
    after_commit(_trigger_sender)  # sendings may have waited for the test
    return account


def _begin(account: ProviderAccount) -> None:
    moment = clock.now()
    if account.testing_until is not None and account.testing_until > moment:
        raise AccountInTest
    account.testing_until = moment + _LONGEST_TEST


def _find_fault(prepared: PreparedRequest) -> str | None:
    try:
        prepared.require_possible()
        ADAPTERS[prepared.adapter].check(prepared.request)
    except ProviderRejected as rejected:
        return str(rejected)
    except Exception as error:
        log.exception("provider_account_not_tested", adapter=prepared.adapter)
        return f"{type(error).__name__}: {error}"
    return None
