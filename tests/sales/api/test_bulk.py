"""The bulk import over HTTP: verdicts in order, good ones stay, bad ones leave nothing, all or nothing."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import Schema, ValidationError
from sqlalchemy import func, select, text
from werkzeug.test import TestResponse

from app import events
from app.events.models import Event
from app.extensions import db
from app.kernel import json as hub_json
from app.kernel.http.app import Hub
from app.kernel.schemas.empty_values import EmptyIsMissingSchema
from app.kernel.schemas.fast_dump import make_dumper
from app.kernel.schemas.fast_load import Declined, make_loader
from app.sales.events import IMPORTED
from app.sales.imports import stream
from app.sales.models.invoices import SalesInvoice, SalesItem
from app.sales.models.masters import Customer, Salesman
from app.sales.schemas.invoices import ImportedAnswerSchema, ImportSchema
from tests.factories import a_sale, an_item

PATH = "/api/sales/import/invoices/"


def sent(client: FlaskClient, invoices: list[Any], query: str = "") -> TestResponse:
    return client.post(PATH + query, data=json.dumps(invoices), content_type="application/json")


def rows(model: type[Any]) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


class TestVerdicts:
    def test_after_a_thousand_errors_an_invoice_shows_its_first(self, erp: FlaskClient) -> None:
        answer = sent(erp, [{"items": [0] * 1000} for _ in range(12)])
        results = answer.json["data"]["results"]
        assert [len(result["errors"]["items"]) for result in results if "items" in result["errors"]] == [97] * 9
        more = ["102 more errors are not shown, and 900 values were not checked."]
        assert results[-1]["errors"] == {"invoice_no": ["This field is required."], "non_field_errors": more}

    def test_each_in_the_order_sent(self, erp: FlaskClient) -> None:
        old = a_sale()
        erp.post("/api/sales/import/invoice/", json=old)
        bad = a_sale(items=[an_item(quantity=0)], customer={"code": "LEFT-NOTHING", "name": "x"}, salesman="Nobody")
        invoices = [a_sale(), old, {**old, "priority": "LOW"}, bad, {}, a_sale()]
        answer = sent(erp, invoices)
        assert answer.status_code == 200
        data = answer.json["data"]
        assert [r["status"] for r in data["results"]] == [201, 409, 409, 400, 400, 201]
        assert [r["index"] for r in data["results"]] == list(range(6))
        assert (data["imported"], data["duplicates"], data["refused"]) == (2, 2, 2)
        assert answer.json["success"] is False
        assert data["results"][0]["total_amount"] == 920.0
        assert data["results"][1]["data"]["identical"] is True
        assert data["results"][2]["data"]["differences"] == ["priority"]
        assert list(data["results"][3]["errors"]["items"]["0"]) == ["quantity"]
        assert rows(SalesInvoice) == 3
        assert db.session.scalar(select(Customer.id).where(Customer.code == "LEFT-NOTHING")) is None
        assert db.session.scalar(select(Salesman.id).where(Salesman.name == "Nobody")) is None

    def test_what_is_stored_is_what_the_single_import_stores(self, erp: FlaskClient) -> None:
        facts: dict[str, Any] = {
            "Total": 921,
            "temp_name": "Walk-in",
            "remarks": 'റാണി "quoted" \t \\ back',
            "metadata": {"a": [1, {"b": None}]},
            "items": [an_item(batch_no="B1", expiry_date="2027-01-31", mrp=3.4567, quantity=3), an_item()],
        }
        single, many = a_sale(**facts), a_sale(**facts)
        one = erp.post("/api/sales/import/invoice/", json=single).json["data"]["id"]
        other = sent(erp, [many]).json["data"]["results"][0]["id"]
        shown = [erp.get(f"/api/sales/invoices/{number}/").json for number in (one, other)]
        bodies = [
            hub_json.decode(body)["data"]["invoice"]
            for body in db.session.scalars(select(Event.body).order_by(Event.id))
        ]
        for invoice in (*shown, *bodies):
            for name in ("id", "invoice_no", "created_at", "updated_at"):
                del invoice[name]
            for item in invoice["items"]:
                del item["id"]
        assert shown[0] == shown[1] == bodies[0] == bodies[1]
        assert list(bodies[0]) == list(bodies[1])

    def test_found_by_its_words_like_a_single_one(self, erp: FlaskClient) -> None:
        sent(erp, [a_sale(items=[an_item(name="Dolo 650")]), a_sale()])
        found = erp.get("/api/sales/invoices/?search=dolo").json
        assert found["count"] == 1

    def test_a_number_twice_in_one_request(self, erp: FlaskClient) -> None:
        invoice = a_sale()
        data = sent(erp, [invoice, invoice, {**invoice, "remarks": "other"}]).json["data"]
        assert [r["status"] for r in data["results"]] == [201, 409, 409]
        assert [r["data"]["identical"] for r in data["results"][1:]] == [True, False]

    def test_other_content_under_a_known_number_is_no_success(self, erp: FlaskClient) -> None:
        invoice = a_sale()
        sent(erp, [invoice])
        answer = sent(erp, [{**invoice, "remarks": "other"}])
        assert answer.json["success"] is False
        assert answer.json["message"] == "0 imported, 1 already there (1 with other content), 0 refused."
        assert sent(erp, [invoice]).json["success"] is True

    def test_customers_of_one_batch_are_merged_in_order(self, erp: FlaskClient) -> None:
        customers = [
            {"code": "C1", "name": "Old name", "phone1": "1"},
            {"code": "C1", "name": "New name", "email": "new@shop.example"},
        ]
        sent(erp, [a_sale(customer=customer) for customer in customers])
        [stored] = db.session.scalars(select(Customer))
        assert (stored.name, stored.phone1, stored.email) == ("New name", "1", "new@shop.example")

    @pytest.mark.parametrize("small", [{"BATCH": 2}, {"BATCH_BYTES": 1000}, {}])
    def test_batches_are_bounded_by_number_and_by_bytes(
        self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch, small: dict[str, int]
    ) -> None:
        sizes: list[int] = []
        real = stream.store
        monkeypatch.setattr(stream, "store", lambda batch, **how: sizes.append(len(batch)) or real(batch, **how))
        for name, size in small.items():
            monkeypatch.setattr(stream, name, size)
        answer = sent(erp, [a_sale(remarks="x" * 600) for _ in range(5)])
        assert [result["status"] for result in answer.json["data"]["results"]] == [201] * 5
        assert sizes == {"BATCH": [2, 2, 1], "BATCH_BYTES": [1] * 5, None: [5]}[next(iter(small), None)]

    def test_a_jwt_user_is_noted(self, client_as: Callable[..., FlaskClient]) -> None:
        client = client_as("billing")
        number = sent(client, [a_sale()]).json["data"]["results"][0]["id"]
        assert client.get(f"/api/sales/invoices/{number}/").json["created_user"] is not None

    def test_a_total_that_is_too_large_refuses_only_its_own(self, erp: FlaskClient) -> None:
        huge = a_sale(items=[an_item(quantity=1_000_000_000, mrp="9999999999")])
        assert [r["status"] for r in sent(erp, [huge, a_sale()]).json["data"]["results"]] == [400, 201]

    def test_every_imported_one_is_an_event(self, erp: FlaskClient, relayed: Callable[[], int]) -> None:
        sent(erp, [a_sale() for _ in range(3)])
        assert relayed() == 3
        assert [e.type for e in events.read_after(0, types=["sales.imported"], limit=9).events] == [
            "sales.imported"
        ] * 3

    def test_parallel_requests_with_the_same_numbers(self, erp: FlaskClient) -> None:
        invoices = [a_sale(customer={"code": f"C{n % 7}", "name": f"N{n}"}) for n in range(300)]
        orders = [invoices, invoices[::-1], invoices[150:] + invoices[:150], invoices]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda order: sent(erp, order), orders))
        assert [a.status_code for a in answers] == [200] * 4
        verdicts = [r["status"] for a in answers for r in a.json["data"]["results"]]
        assert sorted(set(verdicts)) == [201, 409]
        assert verdicts.count(201) == 300 == rows(SalesInvoice)
        assert rows(SalesItem) == 600 == 2 * rows(Event)


def test_what_no_other_attempt_can_mend_is_not_tried_for_ever(erp: FlaskClient) -> None:
    sent(erp, [a_sale()])
    with db.engine.begin() as connection:  # as a restored backup may leave it
        connection.execute(text("SELECT setval(pg_get_serial_sequence('sales_invoices', 'id'), 1, false)"))
    assert sent(erp, [a_sale()]).status_code == 409
    assert rows(SalesInvoice) == 1


class TestAtomic:
    def test_one_refusal_refuses_all(self, erp: FlaskClient) -> None:
        answer = sent(erp, [a_sale() for _ in range(600)] + [a_sale(items=[])], "?atomic=true")
        assert answer.status_code == 400
        assert answer.json["message"] == "Nothing was imported: 1 refused."
        data = answer.json["data"]
        assert (data["imported"], data["refused"], data["results"][600]["status"]) == (0, 1, 400)
        assert (data["results"][0]["status"], "id" in data["results"][0]) == (424, False)
        assert (rows(SalesInvoice), rows(Event), rows(Customer)) == (0, 0, 0)

    def test_all_good_ones_stay(self, erp: FlaskClient) -> None:
        answer = sent(erp, [a_sale() for _ in range(600)], "?atomic=true")
        assert answer.json["data"]["imported"] == 600 == rows(SalesInvoice)

    def test_what_is_there_and_says_the_same_is_no_refusal(self, erp: FlaskClient) -> None:
        old, new = a_sale(), a_sale()
        sent(erp, [old])
        for expected in ([409, 201, 409], [409, 409, 409]):
            answer = sent(erp, [old, new, new], "?atomic=true")
            assert (answer.status_code, answer.json["success"]) == (200, True)
            assert [result["status"] for result in answer.json["data"]["results"]] == expected
        assert rows(SalesInvoice) == 2

    def test_a_contradiction_names_no_invoice_that_was_taken_back(self, erp: FlaskClient) -> None:
        invoice = a_sale()
        answer = sent(erp, [invoice, {**invoice, "remarks": "other"}], "?atomic=true")
        assert answer.json["message"] == "Nothing was imported: 1 refused."
        first, second = answer.json["data"]["results"]
        assert (first["status"], second["status"], "id" in second["data"]) == (424, 409, False)
        assert rows(SalesInvoice) == 0

    def test_a_broken_end_refuses_all(self, erp: FlaskClient) -> None:
        answer = erp.post(PATH + "?atomic=true", data=f"[{json.dumps(a_sale())},", content_type="application/json")
        assert (answer.status_code, rows(SalesInvoice)) == (400, 0)


class TestInput:
    def test_a_line_each(self, erp: FlaskClient) -> None:
        body = "\n".join([json.dumps(a_sale()), "", "{broken", json.dumps(a_sale())])
        answer = erp.post(PATH, data=body, content_type="application/x-ndjson")
        assert [r["status"] for r in answer.json["data"]["results"]] == [201, 400, 201]
        assert "not valid JSON" in answer.json["data"]["results"][1]["message"]

    def test_the_mark_that_some_files_begin_with(self, erp: FlaskClient) -> None:
        body = b"\xef\xbb\xbf" + json.dumps(a_sale()).encode() + b"\r\n" + json.dumps(a_sale()).encode()
        answer = erp.post(PATH, data=body, content_type="application/x-ndjson")
        assert [r["status"] for r in answer.json["data"]["results"]] == [201, 201]

    def test_what_was_read_before_the_break_stays_and_is_told(self, erp: FlaskClient) -> None:
        body = f'[{json.dumps(a_sale())}, {{"invoice_no": '
        answer = erp.post(PATH, data=body, content_type="application/json")
        assert answer.status_code == 400
        assert answer.json["data"]["imported"] == 1 == rows(SalesInvoice)

    @pytest.mark.parametrize("body", ["", "{}", "null", "[1]", "[[]]", "[{} {}]", "[{}", "[]]", "[] {}", '"', "[{},]x"])
    def test_no_array(self, erp: FlaskClient, body: str) -> None:
        answer = erp.post(PATH, data=body, content_type="application/json")
        assert answer.status_code in {400, 413}, answer.json
        assert answer.json["success"] is False

    def test_an_empty_array_is_fine(self, erp: FlaskClient) -> None:
        assert sent(erp, []).json == {
            "success": True,
            "message": "0 imported, 0 already there, 0 refused.",
            "data": {"imported": 0, "duplicates": 0, "refused": 0, "results": []},
        }

    def test_more_than_ten_thousand(self, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(stream.import_stream, "__kwdefaults__", {"atomic": False, "most": 3})
        answer = sent(erp, [a_sale() for _ in range(4)])
        assert answer.status_code == 413
        assert answer.json["data"]["imported"] == 3

    def test_more_than_the_limit_of_bytes(self, erp: FlaskClient) -> None:
        answer = erp.post(PATH, data=b" " * (32 * 1024 * 1024 + 1), content_type="application/json")
        assert (answer.status_code, answer.json["success"]) == (413, False)

    def test_more_than_the_usual_limit_is_fine(self, erp: FlaskClient) -> None:
        answer = sent(erp, [a_sale(remarks="x" * 900) for _ in range(1200)])
        assert answer.json["data"]["imported"] == 1200

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
    def test_another_content_type(self, erp: FlaskClient, kind: str) -> None:
        assert erp.post(PATH, data="[]", content_type=kind).status_code == 415

    def test_who_may(self, anybody: FlaskClient, client_as: Callable[..., FlaskClient]) -> None:
        assert sent(anybody, []).status_code == 401
        assert sent(client_as("warehouse"), []).status_code == 403


_loose = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=-10, max_value=10)
    | st.sampled_from(["", " ", "x", "HIGH", "2025-01-18", "2025-02-30", "1", "3.5", "\0", "x" * 60]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["code", "name", "mrp"]), inner),
    max_leaves=5,
)


def test_a_body_in_chunks_that_is_too_long_tells_what_was_imported_before(
    app: Hub, erp: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "MAX_BULK_BYTES", 400_000)
    body = b"\n".join(json.dumps(a_sale(invoice_no=f"N-{number}")).encode() for number in range(1_000))
    answer = erp.post(
        PATH,
        input_stream=io.BytesIO(body),
        content_type="application/x-ndjson",
        environ_overrides={"wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"},
    )
    stored = db.session.scalar(select(func.count()).select_from(SalesInvoice))
    assert answer.status_code == 413
    assert answer.json["data"]["imported"] == len(answer.json["data"]["results"]) == stored
    assert answer.json["message"].startswith("The body is too large. Before that: ")
    assert stored


class TestQuickWays:
    @settings(max_examples=400)
    @given(st.data())
    def test_what_is_accepted_is_what_the_schema_loads(self, data: st.DataObject) -> None:
        payload = hub_json.decode(json.dumps(a_sale()))
        for _ in range(data.draw(st.integers(0, 2))):
            where = data.draw(st.sampled_from([payload, payload["customer"], payload["items"][0]]))
            if isinstance(where, dict):
                where[data.draw(st.sampled_from([*where, "Total", "metadata", "expiry_date", "surprise"]))] = data.draw(
                    _loose
                )
            if not (isinstance(payload["customer"], dict) and isinstance(payload["items"], list) and payload["items"]):
                break
        try:
            loaded = make_loader(ImportSchema())(payload)
        except Declined:
            return
        assert loaded == EmptyIsMissingSchema.load(ImportSchema(), payload)

    def test_usual_payloads_are_accepted(self) -> None:
        payload = hub_json.decode(json.dumps(a_sale(Total=920, metadata={"a": 1})))
        assert make_loader(ImportSchema())(payload) == Schema.load(ImportSchema(), payload)

    def test_declined_payloads_get_the_schemas_words(self) -> None:
        with pytest.raises(ValidationError):
            ImportSchema().load({})
        with pytest.raises(Declined):
            make_loader(ImportSchema())({})
        assert stream.load(hub_json.decode(json.dumps(a_sale(Total="920.0"))))["declared_total"] == Decimal(920)

    def test_shows_what_the_schema_shows(self, erp: FlaskClient) -> None:
        sent(erp, [a_sale()])
        drafted = stream.new_invoice(stream.load(hub_json.decode(json.dumps(a_sale()))), 3)
        assert make_dumper(IMPORTED.schema)(drafted) == Schema.dump(IMPORTED.schema, drafted)
        answer = {"success": True, "message": "Invoice imported successfully", "data": {**drafted, "id": 7}}
        assert ImportedAnswerSchema().dump(answer) == Schema.dump(ImportedAnswerSchema(), answer)
