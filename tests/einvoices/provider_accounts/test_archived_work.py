"""The sendings of an archived account end in a worker, one by one, also when it is killed in the middle."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.einvoices.provider_accounts import archived_work
from app.einvoices.providers import outbox, outcomes
from tests.einvoices.helpers import URL, create_issued, fetch_detail, perform, stored_sendings
from tests.einvoices.provider_accounts.helpers import ACCOUNTS


@pytest.fixture
def waiting(admin: FlaskClient, open_account: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Five e-invoices that were queued for an account, which was archived then."""
    monkeypatch.setattr(archived_work, "BATCH", 2)
    account = open_account()
    ids = [create_issued(admin, provider_account_id=account["id"])["id"] for _ in range(5)]
    for einvoice_id in ids:
        perform(admin, einvoice_id, "send")
    assert admin.delete(f"{ACCOUNTS}/{account['id']}").status_code == 204
    return ids


def states() -> Counter[str]:
    return Counter(row.state for row in stored_sendings())


def test_the_request_leaves_the_sendings_to_a_worker(admin: FlaskClient, waiting: list[int]) -> None:
    assert states() == {"pending": 5}
    assert outbox.send_due() == 0
    assert fetch_detail(admin, waiting[0])["waiting_because"] == "The provider account was archived."
    refused = admin.post(f"{URL}/{waiting[0]}/cancel", json={"reason": "x"})
    assert refused.json["error"] == "ALREADY_SENDING"
    assert archived_work.give_up_archived() == 5
    assert archived_work.give_up_archived() == 0
    for einvoice_id in waiting:
        shown = fetch_detail(admin, einvoice_id)
        assert (shown["provider_status"], shown["waiting_because"]) == ("failed", None)
    perform(admin, waiting[0], "cancel", {"reason": "x"})


def test_a_sweep_that_is_killed_goes_on(waiting: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    record, left = outcomes.record_given_up, [0, 0, 0]

    def die_after_three(*args: Any, **kwargs: Any) -> None:
        if not left:
            raise SystemExit
        left.pop()
        record(*args, **kwargs)

    with monkeypatch.context() as patch, pytest.raises(SystemExit):
        patch.setattr(outcomes, "record_given_up", die_after_three)
        archived_work.give_up_archived()
    assert states() == {"failed": 3, "pending": 2}
    assert archived_work.give_up_archived() == 2
    assert states() == {"failed": len(waiting)}


def test_a_sweep_ends_in_time_and_asks_for_the_next(waiting: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    monkeypatch.setattr(archived_work, "SWEEP_SECONDS", 0.001)
    monkeypatch.setattr(archived_work, "trigger_sweep", lambda: asked.append(True))
    assert archived_work.give_up_archived() == 1
    assert asked == [True]
    assert states() == {"failed": 1, "pending": len(waiting) - 1}
