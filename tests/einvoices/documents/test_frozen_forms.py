"""The canonical form: stored in the transaction of the issue, the same ever after; late for earlier e-invoices."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
import rfc8785
from flask.testing import FlaskClient

from app.einvoices import sellers
from app.einvoices.documents import frozen_forms
from app.einvoices.documents.frozen_forms import canonical_of, frozen_form
from app.einvoices.evidence import removals
from app.einvoices.lifecycle import numbering
from app.einvoices.models.documents import EinvoiceCanonicalForm
from app.einvoices.pdf.print_job import print_now
from app.einvoices.queries.lookup import find
from app.evidence.models import EvidenceEntry
from app.extensions import db
from app.formats.canonical import Format, Identifier, Invoice
from app.kernel import json
from app.kernel.unit_of_work import unit_of_work
from app.rules.sums import exact
from tests.einvoices.content.test_amounts import ALLOWANCES, ITEMS, a_gst_seller
from tests.einvoices.content.test_draft_facts import BUYER, FACTS, ITEM
from tests.einvoices.helpers import URL, create_draft, create_issued, fetch_pdf, pdf_text, perform
from tests.factories import a_buyer


def form_of(einvoice_id: int) -> tuple[Invoice, EinvoiceCanonicalForm]:
    with unit_of_work():
        einvoice = find(einvoice_id, None, items=False)
        return canonical_of(einvoice), frozen_form(einvoice)


def test_the_issue_stores_the_form_with_its_hash(owner: FlaskClient) -> None:
    owner.patch(f"{URL}/seller", json={"postal_address": {"city": "Bursa"}, "tax_id": "1234567890"})
    facts = {**FACTS, "exchange_rate": "34.5"}
    sale = create_issued(owner, buyer=a_buyer(**BUYER), items=[ITEM], **facts)
    form, row = form_of(sale["id"])
    assert (row.sha256, row.is_late, row.tax_rule) == (sale["canonical_sha256"], False, "per_rate")
    assert hashlib.sha256(row.body.encode()).hexdigest() == row.sha256
    assert rfc8785.dumps(json.decode(row.body)) == row.body.encode()
    assert (form.format, form.number, form.uuid) == (Format.HUB, sale["invoice_no"], sale["uuid"])
    assert form.seller.tax_ids == (
        Identifier(value="1234567890", scheme="VKN"),
        Identifier(value="TR1234567890", scheme="VAT"),
    )
    assert form.buyer.address is not None
    assert (form.buyer.address.district, form.buyer.place_of_supply) == ("Kadıköy", "29")
    [line] = form.lines
    assert (line.unit, line.item.batch, line.item.expiry) == ("MTR", "B1", "2027-01-31")
    assert (form.due_date, form.totals.payable, form.totals.rounding) == (
        "2027-01-15",
        Decimal("1093.50"),
        Decimal("-0.5"),
    )
    with unit_of_work():
        record = db.session.query(EvidenceEntry).filter_by(einvoice_id=sale["id"], kind="issued").one()
        stated = json.decode(record.body)["facts"]
    assert stated["canonical_sha256"] == row.sha256
    assert stated["uuid"] == sale["uuid"]


def test_the_sums_of_the_form_follow_from_each_other(owner: FlaskClient) -> None:
    items = [*ITEMS, {**ITEMS[0], "vat_rate": 0, "vat_category": "E"}, {**ITEMS[0], "vat_rate": 0, "vat_category": "G"}]
    sale = create_issued(owner, items=items, allowances=ALLOWANCES, currency="EUR")
    note = perform(owner, perform(owner, sale["id"], "credit-notes", {"reason": "torn"})["id"], "issue")
    for each in (sale, note):
        form, _ = form_of(each["id"])
        verdict = exact.verdict(replace(form, format=Format.UBL))
        assert (verdict.is_exact, verdict.rule, verdict.findings) == (True, "per_rate", ())
        assert [(row.category, row.rate) for row in form.taxes[0].rows] == [("E", 0), ("G", 0), ("S", 10), ("S", 20)]
    assert (form.type, form.is_credit_note, form.references[-1].id) == ("381", True, sale["invoice_no"])


def test_the_form_does_not_change_with_its_seller(owner: FlaskClient) -> None:
    sale = create_issued(owner)
    _, before = form_of(sale["id"])
    owner.patch(f"{URL}/seller", json={"name": "Another", "tax_rule": "gst_item", "payment_days": 3})
    _, after = form_of(sale["id"])
    assert (after.body, after.sha256) == (before.body, sale["canonical_sha256"])


def test_an_issue_that_fails_stores_no_form(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    with mock.patch.object(frozen_forms, "canonical_bytes", side_effect=RuntimeError("full")):
        assert owner.post(f"{URL}/{draft['id']}/issue").status_code == 500
    with unit_of_work():
        assert db.session.get(EinvoiceCanonicalForm, draft["id"]) is None
        with pytest.raises(ValueError, match="has not been issued"):
            canonical_of(find(draft["id"], None))
    assert owner.get(f"{URL}/series").json["data"] == []


def test_an_earlier_e_invoice_gets_its_form_later_and_its_row_and_pdf_stay(owner: FlaskClient) -> None:
    sale = create_issued(owner)
    with unit_of_work():
        stored = db.session.get_one(EinvoiceCanonicalForm, sale["id"])
        db.session.delete(stored)
        # As a release without these columns stored it.
        db.session.execute(
            db.text("UPDATE e_invoices SET uuid = NULL, payable = NULL, tax_rule = NULL, canonical_sha256 = NULL")
        )
        db.session.execute(db.text("UPDATE e_invoices SET seller = (seller::jsonb - 'legal')::json"))
    before = owner.get(f"{URL}/{sale['id']}?include_items=1").json
    form, row = form_of(sale["id"])
    assert (row.is_late, form.number, form.uuid) == (True, sale["invoice_no"], None)
    assert form_of(sale["id"])[1].sha256 == row.sha256
    assert owner.get(f"{URL}/{sale['id']}?include_items=1").json == before
    assert "canonical_sha256" not in before


def test_removed_personal_data_leaves_no_form(owner: FlaskClient) -> None:
    sale = create_issued(owner, buyer=a_buyer(**BUYER), items=ITEMS, allowances=ALLOWANCES, payment_terms="To Ayşe")
    with unit_of_work():
        assert removals.remove_personal_data(sale["id"], "retention", "test")
    with unit_of_work():
        assert db.session.get(EinvoiceCanonicalForm, sale["id"]) is None
    form, row = form_of(sale["id"])
    assert row.is_late
    assert "Ayşe" not in row.body
    assert form.totals.allowances == Decimal("34.34")


@pytest.mark.parametrize(
    ("seller", "moment", "expected"),
    [
        ({"prefix": "ABC", "country": "TR"}, "2026-12-31T21:30", ("ABC-2027-000001", "ABC2027000000001")),
        ({"prefix": "EA", "country": "TR"}, "2026-12-31T12:00", ("EA-2026-000001", None)),
        ({"prefix": "ABC", "country": "DE"}, "2026-12-31T12:00", ("ABC-2026-000001", None)),
        ({"prefix": "ABC", "country": "IN"}, "2027-03-31T12:00", ("ABC-2027-000001", None)),
        (
            {"prefix": "ABC", "country": "IN", "legal_profiles": ["inv-01"]},
            "2027-03-31T12:00",
            ("ABC-2026-000001", "ABC/26-27/1"),
        ),
        (
            {"prefix": "ABC", "country": "IN", "legal_profiles": ["inv-01"]},
            "2027-03-31T19:00",
            ("ABC-2027-000001", "ABC/27-28/1"),
        ),
    ],
)
def test_the_official_number_is_of_the_same_series_row(
    owner: FlaskClient, seller: dict[str, Any], moment: str, expected: tuple[str, str | None]
) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
    with unit_of_work():
        profile = sellers.save(owner.user_id, actor="test", **seller)
        shown = numbering.next_number(profile, at)
        allocated = numbering.allocate(profile, at)
    assert (allocated.invoice_no, allocated.official_no) == expected
    assert shown == (expected[1] or expected[0])


def test_the_print_has_what_leads_to_the_payable_amount(owner: FlaskClient) -> None:
    owner.patch(f"{URL}/seller", json={"prefix": "ABC", "language": "en", "payment_days": 10})
    items = [{**ITEMS[0], "withholding_code": "605"}]
    sale = create_issued(owner, items=items, prepaid_amount=100, rounding_amount="-0.01")
    assert print_now(sale["id"])
    text = pdf_text(fetch_pdf(owner, sale["id"]).data)
    assert "VAT withheld by the buyer (605, 50%) −33.33" in text
    assert "Payable 266.62" in text
    assert f"Official number {sale['official_no']}" in text
    assert "Due date" in text
    plain = create_issued(owner, items=ITEMS, allowances=ALLOWANCES)
    assert print_now(plain["id"])
    text = pdf_text(fetch_pdf(owner, plain["id"]).data)
    for row in ("Allowance 10%: Discount −33.33", "Allowance: Bonus −1.01", "Charge: Freight 15.00"):
        assert row in text
    assert "Payable" not in text


def test_gst_is_frozen_with_its_rule(owner: FlaskClient) -> None:
    a_gst_seller(owner)
    sale = create_issued(owner, items=ITEMS, currency="INR", buyer=a_buyer(place_of_supply="27"))
    form, row = form_of(sale["id"])
    assert (row.tax_rule, form.tax_rule, form.buyer.place_of_supply) == ("gst_item", "gst_item", "27")
