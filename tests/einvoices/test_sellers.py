"""Seller profiles: validation, logo, and defaults of new drafts."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import User
from app.einvoices import sellers
from app.einvoices.models.sellers import SellerProfile
from app.extensions import db
from app.kernel.errors import Invalid
from app.kernel.unit_of_work import unit_of_work
from app.operations import doctor
from tests.einvoices.helpers import URL, create_issued, perform
from tests.factories import a_draft


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"", b"\x89PNG\r\n\x1a\n" + b"x" * 300_000]
)
def test_other_files_are_refused_as_logo(owner: FlaskClient, content: bytes) -> None:
    with pytest.raises(Invalid), unit_of_work():
        sellers.save_logo(owner.user_id, content, actor="test")


@pytest.mark.parametrize(
    "facts",
    [
        {"language": "de"}, {"currency": "AAA"}, {"timezone": "Mars/Base"}, {"timezone": "../etc/passwd"},
        {"prefix": "ea"}, {"prefix": "EA/../"}, {"name": " "}, {"name": "x" * 301}, {"provider": "fax"},
        {"color": "red"},
    ],
)  # fmt: skip
def test_invalid_settings_are_refused(owner: FlaskClient, facts: dict[str, str]) -> None:
    with pytest.raises(Invalid) as refused, unit_of_work():
        sellers.save(owner.user_id, actor="test", **facts)
    assert set(refused.value.errors or {}) == set(facts)


@pytest.mark.parametrize(("prefix", "is_refused"), [("TEST", True), ("TESTS", False), ("TES", False)])
def test_the_prefix_of_test_documents_is_refused(owner: FlaskClient, prefix: str, is_refused: bool) -> None:
    answer = owner.patch(f"{URL}/seller", json={"prefix": prefix})
    assert answer.status_code == (422 if is_refused else 200)
    assert list(answer.json.get("errors", {})) == ["prefix"] * is_refused


def test_a_seller_who_has_the_prefix_of_test_documents_keeps_it(owner: FlaskClient) -> None:
    with unit_of_work():
        db.session.get_one(SellerProfile, owner.user_id).prefix = "TEST"
    assert owner.patch(f"{URL}/seller", json={"prefix": "TEST", "phone": "1"}).status_code == 200
    assert create_issued(owner)["invoice_no"].startswith("TEST-2")
    with unit_of_work():
        user = db.session.get_one(User, owner.user_id)
        assert sellers.emails_with_test_prefix() == [user.email]
    [finding] = [each for each in doctor.run_checks() if each.subject == "series"]
    assert user.email in finding.message
    assert user.email in finding.remedy


def test_the_sellers_settings_are_the_defaults_of_a_draft(owner: FlaskClient) -> None:
    with unit_of_work():
        sellers.save(owner.user_id, actor="test", prefix="LTD", currency="EUR", provider="simulator")
    payload = a_draft(items=[{"name": "x", "quantity": 1, "unit_price": 10}])
    del payload["currency"]
    draft = owner.post(URL, json=payload).json
    assert (draft["totals"]["currency"], draft["provider"]) == ("EUR", "simulator")
    assert draft["items"][0]["vat_rate"] == 20.0
    assert perform(owner, draft["id"], "issue")["invoice_no"].startswith("LTD-")
