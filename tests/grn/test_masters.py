"""Master data: suppliers, fabrics, products and orders, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.accounts.models.accounts import AuditEntry
from app.extensions import db
from app.grn import samples
from tests.grn.helpers import error_body, json_body, rejected_fields

ORDER = "/api/orders/10"


@pytest.fixture
def keeper(client_with: Callable[[str], FlaskClient]) -> FlaskClient:
    """A client that may change master data, with an empty database."""
    return client_with("grn:write")


class TestCrud:
    @pytest.mark.parametrize(
        ("plural", "sample"),
        [
            ("suppliers", samples.SUPPLIER),
            ("products", samples.PRODUCT),
            ("fabrics", samples.FABRIC),
            ("orders", {"id": 10, "name": "Autumn", "buyer": "Northwind", "metadata": {"a": 1}}),
        ],
    )
    def test_each_kind_is_created_read_changed_listed_and_deleted(
        self, keeper: FlaskClient, plural: str, sample: dict[str, Any]
    ) -> None:
        path = f"/api/{plural}"
        answer = keeper.post(path, json=sample)
        made = json_body(answer, 201)
        own = f"{path}/{sample['id']}"
        assert answer.headers["Location"] == own
        assert json_body(keeper.get(own)) == made
        assert sample.keys() <= made.keys()

        changed = json_body(keeper.put(own, json={"name": "Other", "externalId": "X"}))
        assert (changed["name"], changed["externalId"], changed["id"]) == ("Other", "X", sample["id"])
        assert "code" not in changed
        assert changed["createdDate"] == made["createdDate"]

        assert json_body(keeper.get(f"{path}?search=oth&externalId=X&sort=name,asc"))["content"] == [changed]
        assert json_body(keeper.get(f"{path}?search=ther"))["content"] == []
        assert keeper.delete(own).status_code == 204
        error_body(keeper.get(own), 404, 40400)
        error_body(keeper.put(own, json={"name": "x"}), 404, 40400)
        error_body(keeper.delete(own), 404, 40400)
        assert db.session.scalar(select(AuditEntry.subject).where(AuditEntry.action.endswith(".deleted")))

    def test_a_supplier_has_what_legal_documents_need(self, keeper: FlaskClient) -> None:
        facts = {"taxId": "1234567890", "taxScheme": "vkn", "taxOffice": "Osmangazi", "street": "Sanayi Cad. 7"}
        facts |= {"district": "Osmangazi", "city": "Bursa", "region": "16", "postcode": "16200", "country": "TR"}
        facts |= {"endpoint": "1234567890", "endpointScheme": "9952"}
        made = json_body(keeper.post("/api/suppliers", json={"name": "Mill", **facts}), 201)
        assert facts.items() <= json_body(keeper.get(f"/api/suppliers/{made['id']}")).items()
        own = f"/api/suppliers/{made['id']}"
        changed = json_body(keeper.put(own, json={"name": "Mill", "city": "İzmir"}))
        assert changed.items() >= {**facts, "city": "İzmir"}.items(), "what the ERP does not know stays"
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "supplier.changed")).one()
        assert entry.details["changed"] == {"city": ["Bursa", "İzmir"]}
        for blank in ("", None):
            assert (
                not json_body(keeper.put(own, json={"name": "Mill", **dict.fromkeys(facts, blank)})).keys()
                & facts.keys()
            )
            assert facts.items() <= json_body(keeper.put(own, json={"name": "Mill", **facts})).items()

    def test_legal_facts_fit_those_that_are_kept(self, keeper: FlaskClient) -> None:
        facts = {"taxId": "1234567890", "taxScheme": "vkn", "endpoint": "1234567890", "endpointScheme": "9952"}
        own = f"/api/suppliers/{json_body(keeper.post('/api/suppliers', json={'name': 'Mill', **facts}), 201)['id']}"
        for change, field in (({"taxId": "1234567891"}, "taxId"), ({"endpoint": None}, "endpointScheme")):
            refused = keeper.put(own, json={"name": "Mill", **change})
            made = keeper.post("/api/suppliers", json={"name": "Mill", **facts, **change})
            assert rejected_fields(refused).keys() == rejected_fields(made).keys() == {field}
        assert json_body(keeper.get(own)).items() >= facts.items()

    @pytest.mark.parametrize(("plural", "status"), [("suppliers", 413), ("orders", 201)])
    def test_only_kinds_with_children_accept_a_long_body(self, keeper: FlaskClient, plural: str, status: int) -> None:
        body = '{"name": "x"}' + " " * 2**20
        assert keeper.post(f"/api/{plural}", data=body, content_type="application/json").status_code == status

    def test_ids_chosen_by_the_hub_continue_after_those_of_the_client(self, keeper: FlaskClient) -> None:
        ids = [
            json_body(keeper.post("/api/suppliers", json={"name": "S", **facts}), 201)["id"]
            for facts in ({"id": 7}, {}, {"id": 3}, {})
        ]
        assert ids == [7, 8, 3, 9]

    def test_concurrent_creates_with_and_without_ids_do_not_fail(self, keeper: FlaskClient) -> None:
        def create(number: int) -> Any:
            facts = {"id": number} if number % 2 else {}
            return keeper.post("/api/products", json={"name": "P", **facts})

        with ThreadPoolExecutor(8) as pool:
            statuses = [answer.status_code for answer in pool.map(create, range(40, 0, -1))]
        assert set(statuses) <= {201, 409}
        assert statuses.count(201) >= 20

    def test_a_duplicate_is_refused_with_the_id_of_the_first(self, keeper: FlaskClient) -> None:
        first = json_body(keeper.post("/api/suppliers", json={"name": "S", "id": 5, "externalId": "a"}), 201)
        other = json_body(keeper.post("/api/suppliers", json={"name": "S", "externalId": "b"}), 201)
        assert error_body(keeper.post("/api/suppliers", json={"name": "T", "id": 5}), 409, 40901)["id"] == first["id"]
        assert error_body(keeper.post("/api/suppliers", json={"name": "T", "externalId": "a"}), 409, 40901)["id"] == 5
        answer = keeper.put(f"/api/suppliers/{other['id']}", json={"name": "T", "externalId": "a"})
        assert error_body(answer, 409, 40901)["id"] == 5
        assert rejected_fields(keeper.put("/api/suppliers/5", json={"name": "T", "id": 6})) == {"id": 6}

    @pytest.mark.parametrize(
        ("plural", "sent", "field"),
        [
            ("suppliers", {}, "name"),
            ("suppliers", {"name": "S", "id": 0}, "id"),
            ("suppliers", {"name": "S", "id": 2**53}, "id"),
            ("suppliers", {"name": "S", "fax": "1"}, "fax"),
            ("fabrics", {"name": "F", "colorList": [{"color": "Red"}, {"color": "Red"}]}, "colorList[1].colorShade"),
            ("orders", {"name": "O", "flowInfoList": [{"style": "A", "color": "B"}]}, "flowInfoList[0].productId"),
            (
                "orders",
                {"name": "O", "flowInfoList": [{"productId": 77, "style": "A", "color": "B"}]},
                "flowInfoList[0].productId",
            ),
            (
                "orders",
                {"name": "O", "flowInfoList": [{"productId": 1, "style": "A", "color": "B", "partList": [{}]}]},
                "flowInfoList[0].partList[0].partName",
            ),
            (
                "orders",
                {
                    "name": "O",
                    "flowInfoList": [
                        {"productId": 1, "style": "A", "color": "B", "partList": [{"partName": "X"}, {"partName": "X"}]}
                    ],
                },
                "flowInfoList[0].partList[1].partName",
            ),
            (
                "orders",
                {"name": "O", "flowInfoList": [{"productId": 1, "style": "A", "color": "B"}] * 2},
                "flowInfoList[1].color",
            ),
            ("suppliers", {"name": "Mill", "taxScheme": "vkn", "taxId": "1234567891"}, "taxId"),
            ("suppliers", {"name": "Mill", "taxScheme": "sap"}, "taxScheme"),
            ("suppliers", {"name": "Mill", "country": "Türkiye"}, "country"),
            ("suppliers", {"name": "Mill", "endpoint": "1234567890"}, "endpointScheme"),
        ],
    )
    def test_wrong_fields_are_named(self, keeper: FlaskClient, plural: str, sent: dict[str, Any], field: str) -> None:
        assert list(rejected_fields(keeper.post(f"/api/{plural}", json=sent))) == [field]


class TestOrders:
    def test_matching_lines_and_parts_keep_their_ids(self, clerk: FlaskClient) -> None:
        order = json_body(clerk.get(ORDER))
        [line] = order["flowInfoList"]
        sent = {
            "name": order["name"],
            "flowInfoList": [
                {"productId": 1, "style": "B1", "color": "Red"},
                {
                    "productId": 2,
                    "style": "A6",
                    "color": "Black",
                    "partList": [{"partName": "Hood"}, {"partName": "Shell"}],
                },
            ],
        }
        new, kept = json_body(clerk.put(ORDER, json=sent))["flowInfoList"]
        assert kept["id"] == line["id"]
        assert [part["partName"] for part in kept["partList"]] == ["Hood", "Shell"]
        assert kept["partList"][1]["id"] == line["partList"][0]["id"]
        assert new["id"] > line["id"]

    @pytest.mark.parametrize("path", [ORDER, "/api/fabrics/1", "/api/suppliers/1", "/api/products/2"])
    def test_the_body_of_a_get_can_be_put_back(self, clerk: FlaskClient, path: str) -> None:
        stored = json_body(clerk.get(path))
        assert json_body(clerk.put(path, json=stored)) == stored

    def test_a_line_in_use_cannot_be_removed(self, clerk: FlaskClient) -> None:
        json_body(clerk.put("/invoices/1/fabricItems/26/ledgers", json=samples.ASSOCIATION))
        error_body(clerk.put(ORDER, json={"name": "x"}), 409, 40900)
        error_body(clerk.delete(ORDER), 409, 40900)
        order = json_body(clerk.get(ORDER))
        order["flowInfoList"][0]["partList"] = []
        del order["createdDate"]
        error_body(clerk.put(ORDER, json=order), 409, 40900)
        assert clerk.delete("/api/invoices/1").status_code == 204
        assert clerk.delete(ORDER).status_code == 204

    @pytest.mark.parametrize("path", ["suppliers/1", "fabrics/1", "products/2"])
    def test_a_row_in_use_cannot_be_deleted(self, clerk: FlaskClient, path: str) -> None:
        error_body(clerk.delete(f"/api/{path}"), 409, 40900)
        json_body(clerk.get(f"/api/{path}"))

    def test_the_id_of_a_line_of_another_order_is_refused(self, clerk: FlaskClient) -> None:
        line = {"id": 1985, "productId": 2, "style": "A6", "color": "Black"}
        error_body(clerk.post("/api/orders", json={"name": "O", "flowInfoList": [line]}), 409, 40901)
        assert json_body(clerk.get(ORDER))["flowInfoList"][0]["id"] == 1985
