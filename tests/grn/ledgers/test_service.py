"""Ledgers of fabric items: associations, other movements, balances, concurrent requests."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.grn import samples
from tests.factories import a_fabric_item, a_receipt
from tests.grn.helpers import error_body, json_body, rejected_fields, stored_events

LEDGERS = "/api/invoices/1/fabric-items/26/ledgers"
BALANCE = "/api/invoices/1/fabric-items/26/balance"
SPELLINGS = [f"{api}/invoices/1/{word}/26/ledgers" for api in ("", "/api") for word in ("fabric-items", "fabricItems")]
[ASSOCIATION] = samples.ASSOCIATION


def _rows(clerk: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json_body(clerk.get(f"{LEDGERS}?pageSize=100&{query}"))["content"]
    return content


class TestAssociations:
    @pytest.mark.parametrize("path", [*SPELLINGS, f"{SPELLINGS[0]}/"])
    def test_the_sample_of_the_document_works_with_every_path_alias(self, clerk: FlaskClient, path: str) -> None:
        rows = json_body(clerk.put(path, json=samples.ASSOCIATION))
        assert rows == samples.ASSOCIATED
        assert json_body(clerk.get(path))["content"][0]["extraFabricRequired"] == 1260.0

    def test_put_replaces_all_rows_and_keeps_ids_of_equal_rows(self, clerk: FlaskClient) -> None:
        both = [ASSOCIATION, {**ASSOCIATION, "partName": "Lining", "qty": 3}]
        first = json_body(clerk.put(LEDGERS, json=both))
        assert json_body(clerk.put(LEDGERS, json=both)) == first
        assert json_body(clerk.put(LEDGERS, json=both[1:])) == first[1:]
        assert [row["id"] for row in _rows(clerk)] == [first[1]["id"]]
        assert json_body(clerk.put(LEDGERS, json=[])) == []
        assert _rows(clerk) == []

    def test_put_keeps_rows_of_other_kinds(self, clerk: FlaskClient) -> None:
        entered = json_body(clerk.post(LEDGERS, json=samples.ENTRY), 201)
        json_body(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        json_body(clerk.put(LEDGERS, json=[]))
        assert _rows(clerk) == [entered]

    def test_the_event_has_the_new_rows_and_the_balance(self, clerk: FlaskClient) -> None:
        json_body(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        [event] = stored_events("grn.associated")
        assert (event["ledger"]["invoiceId"], event["ledger"]["fabricItemId"]) == (1, 26)
        assert event["ledger"]["rows"] == _rows(clerk)
        assert event["ledger"]["balance"]["balance"] == -989.2

    def test_each_change_writes_an_audit_entry_with_the_balances(self, clerk: FlaskClient) -> None:
        for body in (samples.ASSOCIATION, samples.ASSOCIATION, [{**ASSOCIATION, "qty": 10}], []):
            json_body(clerk.put(LEDGERS, json=body))
        query = select(AuditEntry).where(AuditEntry.action == "associations.replaced").order_by(AuditEntry.id)
        entries = [entry.details for entry in db.session.scalars(query)]  # the second PUT changed nothing
        assert [(entry["balance_before"], entry["balance"]) for entry in entries] == [
            ("210.8", "-989.2"),
            ("-989.2", "200.8"),
            ("200.8", "210.8"),
        ]
        assert [(entry["changed"], entry["removed"]) for entry in entries] == [
            (["A6 Black: 1200"], []),
            (["A6 Black: 10"], []),
            ([], ["A6 Black: 10"]),
        ]

    def test_wrong_bodies_and_unknown_paths_are_refused(self, clerk: FlaskClient) -> None:
        answer = clerk.put(LEDGERS, json=ASSOCIATION)
        assert list(rejected_fields(answer)) == [""]
        assert "a list" in json_body(answer, 400)["errors"][0]["message"]
        assert list(rejected_fields(clerk.put(LEDGERS, json=[ASSOCIATION] * 1001))) == [""]
        error_body(clerk.put("/invoices/9/fabricItems/26/ledgers", json=[]), 404, 40400)
        error_body(clerk.put("/invoices/1/fabricItems/27/ledgers", json=[]), 404, 40400)

    def test_concurrent_puts_do_not_mix_their_rows(self, clerk: FlaskClient) -> None:
        shell = [{**ASSOCIATION, "qty": n} for n in range(1, 20)]
        lining = [{**ASSOCIATION, "partName": "Lining", "qty": 100 + n} for n in range(1, 15)]

        def put(number: int) -> Any:
            return clerk.put(LEDGERS, json=(shell, lining)[number % 2])

        for _ in range(3):
            with ThreadPoolExecutor(8) as pool:
                answers = list(pool.map(put, range(8)))
            assert [answer.status_code for answer in answers] == [200] * 8
            left = sorted(row["qty"] for row in _rows(clerk))
            assert left in ([row["qty"] for row in shell], [row["qty"] for row in lining])


class TestOtherMovements:
    @pytest.mark.parametrize(
        ("kind", "out_type", "left"),
        [("IN", None, 220.8), ("OUT", "Sampling", 200.8), ("OUT", "Write-Off", 200.8), ("OUT", "Return-mill", 200.8)],
    )
    def test_rows_are_added_and_listed(self, clerk: FlaskClient, kind: str, out_type: str | None, left: float) -> None:
        answer = clerk.post(LEDGERS, json={"type": kind, "outType": out_type, "qty": "10", "metadata": {"a": 1}})
        row = json_body(answer, 201)
        assert (row["type"], row.get("outType"), row["qty"], row["metadata"]) == (kind, out_type, 10.0, {"a": 1})
        assert _rows(clerk, f"type={kind}") == [row]
        assert _rows(clerk, "outType=Association") == []
        assert json_body(clerk.get(BALANCE))["balance"] == left

    @pytest.mark.parametrize(
        ("entry", "field"),
        [
            ({"type": "OUT", "qty": 1}, "outType"),
            ({"type": "IN", "outType": "Sampling", "qty": 1}, "outType"),
            ({"type": "OUT", "outType": "Association", "qty": 1}, "outType"),
            ({"type": "BOTH", "qty": 1}, "type"),
            ({"type": "IN", "qty": 0}, "qty"),
        ],
    )
    def test_wrong_fields_are_named(self, clerk: FlaskClient, entry: dict[str, Any], field: str) -> None:
        assert list(rejected_fields(clerk.post(LEDGERS, json=entry))) == [field]

    def test_a_repeated_idempotency_key_adds_no_second_row(self, clerk: FlaskClient) -> None:
        for path in (LEDGERS, LEDGERS):
            json_body(clerk.post(path, json=samples.ENTRY, headers={"Idempotency-Key": "k"}), 201)
        assert len(_rows(clerk)) == 1

    def test_delete_writes_an_audit_entry_and_an_event(self, clerk: FlaskClient) -> None:
        row = json_body(clerk.post(LEDGERS, json=samples.ENTRY), 201)
        assert clerk.delete(f"{LEDGERS}/{row['id']}").status_code == 204
        assert _rows(clerk) == []
        [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "ledger_row.deleted"))
        assert entry.details["out_type"] == "Sampling"
        ledger = stored_events("grn.associated")[-1]["ledger"]
        assert (ledger["rows"], ledger["removedRows"], ledger["rowCount"]) == ([], [row], 0)
        error_body(clerk.delete(f"{LEDGERS}/{row['id']}"), 404, 40400)

    def test_events_have_only_the_changed_rows(self, clerk: FlaskClient) -> None:
        json_body(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        entered = json_body(clerk.post(LEDGERS, json=samples.ENTRY), 201)
        ledger = stored_events("grn.associated")[-1]["ledger"]
        assert (ledger["rows"], ledger["removedRows"], ledger["rowCount"]) == ([entered], [], 2)
        json_body(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        assert len(stored_events("grn.associated")) == 2  # nothing changed
        json_body(clerk.put(LEDGERS, json=[{**ASSOCIATION, "qty": 7}]))
        ledger = stored_events("grn.associated")[-1]["ledger"]
        assert ([row["qty"] for row in ledger["rows"]], ledger["removedRows"], ledger["rowCount"]) == ([7.0], [], 2)
        json_body(clerk.put(LEDGERS, json=[]))
        ledger = stored_events("grn.associated")[-1]["ledger"]
        assert ([row["qty"] for row in ledger["removedRows"]], ledger["rows"], ledger["rowCount"]) == ([7.0], [], 1)

    def test_a_single_association_cannot_be_deleted(self, clerk: FlaskClient) -> None:
        [row] = json_body(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        error_body(clerk.delete(f"{LEDGERS}/{row['id']}"), 409, 40900)


class TestBalance:
    def test_a_negative_balance_is_flagged(self, clerk: FlaskClient) -> None:
        assert json_body(clerk.get(BALANCE))["negative"] is False
        json_body(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        json_body(clerk.post(LEDGERS, json=samples.ENTRY), 201)
        assert json_body(clerk.get(BALANCE)) == {**samples.ITEM_BALANCE, "invoiceId": 1, "fabricItemId": 26}

    def test_the_balance_of_a_fabric_is_summed_by_colour_and_unit(self, clerk: FlaskClient) -> None:
        json_body(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        for _ in range(2):
            json_body(clerk.post(LEDGERS, json={"type": "IN", "qty": 5}), 201)
        items = [
            a_fabric_item(1000),
            a_fabric_item(10, color="Black"),
            a_fabric_item(uomLength="kilogram", grnQty=3, color="Black"),
        ]
        json_body(clerk.post("/api/invoices", json=a_receipt(*items)), 201)
        page = json_body(clerk.get("/api/fabrics/1/balances"))
        balances = {
            (row["color"], row["uomLength"]): (row["received"], row["out"], row["balance"]) for row in page["content"]
        }
        assert balances == {
            ("Black", "kilogram"): (3.0, 0.0, 3.0),
            ("Black", "meter"): (10.0, 0.0, 10.0),
            ("Blue", "meter"): (1220.8, 1200.0, 20.8),
        }
        assert page["totalElements"] == 3
        assert json_body(clerk.get("/api/fabrics/1/balances?color=Blue"))["totalElements"] == 1
        error_body(clerk.get("/api/fabrics/9/balances"), 404, 40400)
