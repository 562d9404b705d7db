"""Ledgers over HTTP: associations under every spelling, other kinds, balances, races."""

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
from tests.grn.reading import faults, refused, said, stored

LEDGERS = "/api/invoices/1/fabric-items/26/ledgers"
BALANCE = "/api/invoices/1/fabric-items/26/balance"
SPELLINGS = [f"{api}/invoices/1/{word}/26/ledgers" for api in ("", "/api") for word in ("fabric-items", "fabricItems")]
[ASSOCIATION] = samples.ASSOCIATION


def _rows(clerk: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = said(clerk.get(f"{LEDGERS}?pageSize=100&{query}"))["content"]
    return content


class TestAssociate:
    @pytest.mark.parametrize("path", [*SPELLINGS, f"{SPELLINGS[0]}/"])
    def test_the_documents_sample_under_every_spelling(self, clerk: FlaskClient, path: str) -> None:
        rows = said(clerk.put(path, json=samples.ASSOCIATION))
        assert rows == samples.ASSOCIATED
        assert said(clerk.get(path))["content"][0]["extraFabricRequired"] == 1260.0

    def test_the_set_is_replaced_and_a_repeat_changes_nothing(self, clerk: FlaskClient) -> None:
        both = [ASSOCIATION, {**ASSOCIATION, "partName": "Lining", "qty": 3}]
        first = said(clerk.put(LEDGERS, json=both))
        assert said(clerk.put(LEDGERS, json=both)) == first
        assert said(clerk.put(LEDGERS, json=both[1:])) == first[1:]
        assert [row["id"] for row in _rows(clerk)] == [first[1]["id"]]
        assert said(clerk.put(LEDGERS, json=[])) == []
        assert _rows(clerk) == []

    def test_rows_of_other_kinds_stay(self, clerk: FlaskClient) -> None:
        entered = said(clerk.post(LEDGERS, json=samples.ENTRY), 201)
        said(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        said(clerk.put(LEDGERS, json=[]))
        assert _rows(clerk) == [entered]

    def test_the_event_tells_the_whole_ledger(self, clerk: FlaskClient) -> None:
        said(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        [event] = stored("grn.associated")
        assert (event["ledger"]["invoiceId"], event["ledger"]["fabricItemId"]) == (1, 26)
        assert event["ledger"]["rows"] == _rows(clerk)
        assert event["ledger"]["balance"]["balance"] == -989.2

    def test_the_extra_is_computed_when_left_out(self, clerk: FlaskClient) -> None:
        sent = {name: value for name, value in ASSOCIATION.items() if name != "extraFabricRequired"}
        said(clerk.put(LEDGERS, json=[{**sent, "fabricRequired": 33.3, "extra": 2.5}]))
        assert _rows(clerk)[0]["extraFabricRequired"] == 34.1325

    @pytest.mark.parametrize(("sent", "accepted"), [(1260.01, True), (1259.99, True), (1260.02, False), (0, False)])
    def test_a_different_extra_is_refused(self, clerk: FlaskClient, sent: float, accepted: bool) -> None:
        answer = clerk.put(LEDGERS, json=[{**ASSOCIATION, "extraFabricRequired": sent}])
        if accepted:
            said(answer)
        else:
            assert faults(answer) == {"[0].extraFabricRequired": sent}

    @pytest.mark.parametrize(
        ("facts", "field"),
        [
            ({"orderId": 11}, "orderId"),
            ({"productId": 1}, "productId"),
            ({"style": "A7"}, "style"),
            ({"styleColor": "Red"}, "styleColor"),
            ({"styleColor": None, "color": "Red"}, "color"),
            ({"styleColor": None, "color": None}, "styleColor"),
            ({"partName": "Hood"}, "partName"),
            ({"partName": None, "part": "Hood"}, "part"),
            ({"qty": -1}, "qty"),
            ({"extra": 1001}, "extra"),
            ({"fabricRequired": 999_999_999_999, "extraFabricRequired": None}, "fabricRequired"),
            ({"style": None}, "style"),
            ({"shade": "A"}, "shade"),
        ],
    )
    def test_what_does_not_fit_is_named(self, clerk: FlaskClient, facts: dict[str, Any], field: str) -> None:
        before = said(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        wrong = {**ASSOCIATION, **facts}
        assert faults(clerk.put(LEDGERS, json=[ASSOCIATION, wrong])) == {f"[1].{field}": wrong[field]}
        assert [row["id"] for row in _rows(clerk)] == [row["id"] for row in before]

    def test_style_color_tells_the_line_and_color_stays_as_sent(self, clerk: FlaskClient) -> None:
        [row] = said(clerk.put(LEDGERS, json=[{**ASSOCIATION, "color": "Blue"}]))
        assert (row["flowInfoId"], row["color"]) == (1985, "Blue")
        [row] = said(clerk.put(LEDGERS, json=[{**ASSOCIATION, "color": None, "partName": None, "part": None}]))
        assert (row["color"], "partId" in row) == ("Black", False)

    def test_anything_but_a_list_is_refused(self, clerk: FlaskClient) -> None:
        answer = clerk.put(LEDGERS, json=ASSOCIATION)
        assert list(faults(answer)) == [""]
        assert "a list" in said(answer, 400)["errors"][0]["message"]
        assert list(faults(clerk.put(LEDGERS, json=[ASSOCIATION] * 1001))) == [""]
        refused(clerk.put("/invoices/9/fabricItems/26/ledgers", json=[]), 404, 40400)
        refused(clerk.put("/invoices/1/fabricItems/27/ledgers", json=[]), 404, 40400)

    def test_parallel_sets_never_mix(self, clerk: FlaskClient) -> None:
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


class TestOtherKinds:
    @pytest.mark.parametrize(
        ("kind", "out_type", "left"),
        [("IN", None, 220.8), ("OUT", "Sampling", 200.8), ("OUT", "Write-Off", 200.8), ("OUT", "Return-mill", 200.8)],
    )
    def test_are_added_and_listed(self, clerk: FlaskClient, kind: str, out_type: str | None, left: float) -> None:
        answer = clerk.post(LEDGERS, json={"type": kind, "outType": out_type, "qty": "10", "metadata": {"a": 1}})
        row = said(answer, 201)
        assert (row["type"], row.get("outType"), row["qty"], row["metadata"]) == (kind, out_type, 10.0, {"a": 1})
        assert _rows(clerk, f"type={kind}") == [row]
        assert _rows(clerk, "outType=Association") == []
        assert said(clerk.get(BALANCE))["balance"] == left

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
    def test_faults_are_named(self, clerk: FlaskClient, entry: dict[str, Any], field: str) -> None:
        assert list(faults(clerk.post(LEDGERS, json=entry))) == [field]

    def test_a_repeated_key_adds_no_second_row(self, clerk: FlaskClient) -> None:
        for path in (LEDGERS, LEDGERS):
            said(clerk.post(path, json=samples.ENTRY, headers={"Idempotency-Key": "k"}), 201)
        assert len(_rows(clerk)) == 1

    def test_a_mistake_is_taken_back_with_a_trace(self, clerk: FlaskClient) -> None:
        row = said(clerk.post(LEDGERS, json=samples.ENTRY), 201)
        assert clerk.delete(f"{LEDGERS}/{row['id']}").status_code == 204
        assert _rows(clerk) == []
        [entry] = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "ledger_row.deleted"))
        assert entry.details["out_type"] == "Sampling"
        told = stored("grn.associated")[-1]["ledger"]
        assert (told["rows"], told["removedRows"], told["rowCount"]) == ([], [row], 0)
        refused(clerk.delete(f"{LEDGERS}/{row['id']}"), 404, 40400)

    def test_events_tell_what_changed_and_not_the_whole_ledger(self, clerk: FlaskClient) -> None:
        said(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        entered = said(clerk.post(LEDGERS, json=samples.ENTRY), 201)
        told = stored("grn.associated")[-1]["ledger"]
        assert (told["rows"], told["removedRows"], told["rowCount"]) == ([entered], [], 2)
        said(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        assert len(stored("grn.associated")) == 2  # nothing changed
        said(clerk.put(LEDGERS, json=[{**ASSOCIATION, "qty": 7}]))
        told = stored("grn.associated")[-1]["ledger"]
        assert ([row["qty"] for row in told["rows"]], told["removedRows"], told["rowCount"]) == ([7.0], [], 2)
        said(clerk.put(LEDGERS, json=[]))
        told = stored("grn.associated")[-1]["ledger"]
        assert ([row["qty"] for row in told["removedRows"]], told["rows"], told["rowCount"]) == ([7.0], [], 1)

    def test_an_association_is_not_taken_back_alone(self, clerk: FlaskClient) -> None:
        [row] = said(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        refused(clerk.delete(f"{LEDGERS}/{row['id']}"), 409, 40900)


class TestBalance:
    def test_below_zero_is_flagged(self, clerk: FlaskClient) -> None:
        assert said(clerk.get(BALANCE))["negative"] is False
        said(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        said(clerk.post(LEDGERS, json=samples.ENTRY), 201)
        assert said(clerk.get(BALANCE)) == {**samples.ITEM_BALANCE, "invoiceId": 1, "fabricItemId": 26}

    def test_of_a_fabric_sums_over_receipts_by_colour_and_unit(self, clerk: FlaskClient) -> None:
        said(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        for _ in range(2):
            said(clerk.post(LEDGERS, json={"type": "IN", "qty": 5}), 201)
        items = [
            a_fabric_item(1000),
            a_fabric_item(10, color="Black"),
            a_fabric_item(uomLength="kilogram", grnQty=3, color="Black"),
        ]
        said(clerk.post("/api/invoices", json=a_receipt(*items)), 201)
        page = said(clerk.get("/api/fabrics/1/balances"))
        told = {
            (row["color"], row["uomLength"]): (row["received"], row["out"], row["balance"]) for row in page["content"]
        }
        assert told == {
            ("Black", "kilogram"): (3.0, 0.0, 3.0),
            ("Black", "meter"): (10.0, 0.0, 10.0),
            ("Blue", "meter"): (1220.8, 1200.0, 20.8),
        }
        assert page["totalElements"] == 3
        assert said(clerk.get("/api/fabrics/1/balances?color=Blue"))["totalElements"] == 1
        refused(clerk.get("/api/fabrics/9/balances"), 404, 40400)
