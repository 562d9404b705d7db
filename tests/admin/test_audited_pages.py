"""Pages that change something without a dialog: drafts, inspections and receipts write their row in the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry, User
from app.einvoices.queries import lookup
from app.extensions import db
from app.kernel import clock
from tests.accounts.test_every_change import actions_since, last_entry
from tests.admin import sample_data
from tests.admin.client import csrf_token


@pytest.fixture
def user(create_user: Callable[..., User]) -> User:
    user = sample_data.enable_module(create_user("admin"))
    sample_data.make_seller(user)
    return user


@pytest.fixture
def post(signed_in_client: Callable[..., FlaskClient], user: User) -> Callable[..., list[str]]:
    """Post a form as its page would; returns the actions in the audit trail."""
    client = signed_in_client(user)
    token = csrf_token(client, "/admin/account")

    def submit(path: str, **fields: Any) -> list[str]:
        before = last_entry()
        answer = client.post(path, data={"csrf_token": token, **fields}, headers={"Referer": f"http://x{path}"})
        assert answer.status_code == 303, (path, answer.text[-3000:])
        return actions_since(before)

    return submit


def test_the_editor_of_drafts(post: Callable[..., list[str]], user: User) -> None:
    line = {
        "name": "Tişört",
        "sku": "T",
        "quantity": "2",
        "unit_price": "50",
        "discount_amount": "",
        "vat_rate": "20",
    }
    form = {"buyer-name": "Ayşe", "currency": "TRY", **line}
    assert post("/admin/einvoices/new", **form) == ["einvoice.created"]
    draft = sample_data.create_draft(user)
    version = clock.iso(lookup.find(draft.id, None).updated_at)
    assert post(f"/admin/einvoices/{draft.id}/edit", version=version, **form) == ["einvoice.changed"]
    assert post(f"/admin/einvoices/{draft.id}/buyer", name="B") == ["einvoice.changed"]


def test_the_inspection_of_a_roll_and_a_receipt(post: Callable[..., list[str]]) -> None:
    receipt = sample_data.receive_goods(100, 110)
    item = receipt.fabric_items[0]
    rolls = [roll.id for roll in item.rolls]
    path = f"/admin/receipts/{receipt.id}/items/{item.id}"
    assert post(f"{path}/rolls/{rolls[0]}", length="99") == ["roll.inspected"]
    assert post(f"{path}/inspection/{rolls[1]}", length="111") == ["roll.inspected"]
    # The trails on the pages of the rolls show these entries.
    newest = select(AuditEntry.subject).order_by(AuditEntry.id.desc()).limit(2)
    assert sorted(db.session.scalars(newest)) == [f"roll:{roll}" for roll in sorted(rolls)]
    assert post(f"/admin/receipts/{receipt.id}/delete") == ["receipt.deleted"]
