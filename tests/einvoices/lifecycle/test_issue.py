"""Issue and cancel e-invoices."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from flask.testing import FlaskClient

from tests.einvoices.helpers import URL, create_draft, create_issued, events_of, perform


def test_issue_allocates_the_next_number_and_emits_an_event(owner: FlaskClient) -> None:
    first, second = create_issued(owner), create_issued(owner)
    assert [int(e["invoice_no"][-6:]) for e in (first, second)] == [1, 2]
    assert (first["status"], first["pdf_state"]) == ("issued", "pending")
    events = events_of(first["id"])
    assert [event["type"] for event in events] == ["einvoice.created", "einvoice.issued"]
    assert events[1]["user"] == {"id": owner.user_id}
    assert events[1]["owner"] == owner.user_id
    sample = {
        "id",
        "status",
        "type",
        "invoice_no",
        "issued_at",
        "totals",
        "marketplace",
        "order_no",
        "provider",
        "provider_status",
    }
    assert sample <= events[1]["einvoice"].keys()
    assert owner.post(f"{URL}/{first['id']}/issue").status_code == 409


def test_parallel_issues_of_one_draft_use_one_number(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: owner.post(f"{URL}/{draft['id']}/issue"), range(8)))
    assert Counter(a.status_code for a in answers) == {200: 1, 409: 7}
    assert owner.get(f"{URL}/series").json["data"][0]["last_number"] == 1


def test_a_cancelled_einvoice_keeps_its_number(owner: FlaskClient) -> None:
    einvoice = create_issued(owner)
    cancelled = perform(owner, einvoice["id"], "cancel", {"reason": "Ordered twice"})
    assert (cancelled["status"], cancelled["invoice_no"]) == ("cancelled", einvoice["invoice_no"])
    assert owner.post(f"{URL}/{einvoice['id']}/cancel", json={"reason": "again"}).status_code == 409
    assert owner.post(f"{URL}/{einvoice['id']}/cancel", json={}).status_code == 422
    assert events_of(einvoice["id"])[-1]["type"] == "einvoice.cancelled"


def test_a_cancelled_draft_has_no_number(owner: FlaskClient) -> None:
    draft = create_draft(owner)
    assert perform(owner, draft["id"], "cancel", {"reason": "no"})["invoice_no"] is None
    assert owner.post(f"{URL}/{draft['id']}/issue").status_code == 409
