"""The seller profile in the API: one's own only, with validation, ability and audit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from app.accounts.models.accounts import AuditEntry
from app.einvoices.models.legal_fields import SELLER_FACTS
from app.einvoices.models.sellers import SellerProfile
from app.einvoices.schemas.sellers import SellerChangeSchema, SellerSchema
from app.extensions import db
from tests.einvoices.helpers import URL, create_issued
from tests.operations.cli.cli_helpers import stored_rows

SELLER = f"{URL}/seller"
EVERYTHING: dict[str, Any] = {
    "name": "Ipek A.Ş.", "tax_id": "9876543210", "tax_office": "Nilüfer", "address": "Liman 3", "email": "a@b.example",
    "phone": "1", "website": "b.example", "bank": "TR00", "footer": "Thank you", "language": "en", "currency": "EUR",
    "country": "DE", "timezone": "Europe/Vienna", "prefix": "IPK", "default_vat_rate": 19.5, "prices_include_vat": True,
    "provider": "simulator",
}  # fmt: skip


def test_every_field_is_read_and_written(owner: FlaskClient) -> None:
    assert owner.patch(SELLER, json=EVERYTHING).json == {**EVERYTHING, "logo_sha256": None}
    assert owner.get(SELLER).json == {**EVERYTHING, "logo_sha256": None}
    columns = set(SellerProfile.__table__.columns.keys()) - {"owner_id"}
    fields = columns - {"legal"} | {*SELLER_FACTS}
    assert set(SellerSchema().fields) == fields
    assert set(SellerChangeSchema().fields) == fields - {"logo_sha256"}
    legal = {*SELLER_FACTS, "tax_scheme", "tax_rule", "legal_profiles", "payment_days"}
    assert fields - {"logo_sha256"} - legal == set(EVERYTHING)


def test_what_is_not_sent_stays_and_issued_einvoices_keep_theirs(owner: FlaskClient) -> None:
    before = owner.get(SELLER).json
    issued = create_issued(owner)
    assert owner.patch(SELLER, json={"name": "Other", "country": "IN"}).json == {
        **before, "name": "Other", "country": "IN", "timezone": "Asia/Kolkata",
    }  # fmt: skip
    assert owner.get(f"{URL}/{issued['id']}").json["issued_on"] == issued["issued_on"]
    row = next(row for row in reversed(stored_rows(AuditEntry)) if row.action == "seller.changed")
    assert (row.subject, sorted(row.details["changed"])) == (f"user:{owner.user_id}", ["country", "name", "timezone"])


@pytest.mark.parametrize(
    "field",
    [
        {"name": " "}, {"name": None}, {"language": "de"}, {"prefix": "ea"}, {"timezone": "Mars/Base"},
        {"country": "ZZ"}, {"default_vat_rate": 101}, {"provider": "fax"}, {"footer": "x" * 1001}, {"owner_id": 1},
        {"logo_sha256": "x"},
    ],
)  # fmt: skip
def test_a_wrong_field_is_named_and_nothing_changes(owner: FlaskClient, field: dict[str, Any]) -> None:
    before = owner.get(SELLER).json
    answer = owner.patch(SELLER, json={"phone": "2", **field})
    assert (answer.status_code, set(answer.json["errors"])) == (422, set(field))
    assert owner.get(SELLER).json == before


def test_nothing_to_change_is_refused(owner: FlaskClient) -> None:
    assert owner.patch(SELLER, json={}).status_code == 422


def test_a_seller_without_a_profile_has_the_defaults(owner_as: Callable[..., FlaskClient]) -> None:
    first, second = owner_as(), owner_as()
    db.session.execute(db.delete(SellerProfile).where(SellerProfile.owner_id == first.user_id))
    db.session.commit()
    shown = first.get(SELLER).json
    assert (shown["tax_id"], shown["country"], shown["prefix"]) == ("", "TR", "EA")
    assert first.patch(SELLER, json={"tax_id": "1"}).json["tax_id"] == "1"
    assert second.get(SELLER).json["tax_id"] not in {"", "1"}
