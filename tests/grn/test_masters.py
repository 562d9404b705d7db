"""Master data over HTTP."""

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
from tests.grn.reading import faults, refused, said

ORDER = "/api/orders/10"


@pytest.fixture
def keeper(client_with: Callable[[str], FlaskClient]) -> FlaskClient:
    """A client that may change master data, over none."""
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
    def test_each_kind_is_made_read_changed_listed_and_deleted(
        self, keeper: FlaskClient, plural: str, sample: dict[str, Any]
    ) -> None:
        path = f"/api/{plural}"
        answer = keeper.post(path, json=sample)
        made = said(answer, 201)
        own = f"{path}/{sample['id']}"
        assert answer.headers["Location"] == own
        assert said(keeper.get(own)) == made
        assert sample.keys() <= made.keys()

        changed = said(keeper.put(own, json={"name": "Other", "externalId": "X"}))
        assert (changed["name"], changed["externalId"], changed["id"]) == ("Other", "X", sample["id"])
        assert "code" not in changed
        assert changed["createdDate"] == made["createdDate"]

        assert said(keeper.get(f"{path}?search=oth&externalId=X&sort=name,asc"))["content"] == [changed]
        assert said(keeper.get(f"{path}?search=ther"))["content"] == []
        assert keeper.delete(own).status_code == 204
        refused(keeper.get(own), 404, 40400)
        refused(keeper.put(own, json={"name": "x"}), 404, 40400)
        refused(keeper.delete(own), 404, 40400)
        assert db.session.scalar(select(AuditEntry.subject).where(AuditEntry.action.endswith(".deleted")))

    @pytest.mark.parametrize(("plural", "status"), [("suppliers", 413), ("orders", 201)])
    def test_only_what_holds_lists_may_be_long(self, keeper: FlaskClient, plural: str, status: int) -> None:
        body = '{"name": "x"}' + " " * 2**20
        assert keeper.post(f"/api/{plural}", data=body, content_type="application/json").status_code == status

    def test_ids_given_by_the_hub_go_on_behind_the_clients(self, keeper: FlaskClient) -> None:
        ids = [
            said(keeper.post("/api/suppliers", json={"name": "S", **facts}), 201)["id"]
            for facts in ({"id": 7}, {}, {"id": 3}, {})
        ]
        assert ids == [7, 8, 3, 9]

    def test_parallel_creates_with_and_without_ids_all_succeed(self, keeper: FlaskClient) -> None:
        def create(number: int) -> Any:
            facts = {"id": number} if number % 2 else {}
            return keeper.post("/api/products", json={"name": "P", **facts})

        with ThreadPoolExecutor(8) as pool:
            statuses = [answer.status_code for answer in pool.map(create, range(40, 0, -1))]
        assert set(statuses) <= {201, 409}
        assert statuses.count(201) >= 20

    def test_a_taken_id_or_external_id_names_its_owner(self, keeper: FlaskClient) -> None:
        first = said(keeper.post("/api/suppliers", json={"name": "S", "id": 5, "externalId": "a"}), 201)
        other = said(keeper.post("/api/suppliers", json={"name": "S", "externalId": "b"}), 201)
        assert refused(keeper.post("/api/suppliers", json={"name": "T", "id": 5}), 409, 40901)["id"] == first["id"]
        assert refused(keeper.post("/api/suppliers", json={"name": "T", "externalId": "a"}), 409, 40901)["id"] == 5
        answer = keeper.put(f"/api/suppliers/{other['id']}", json={"name": "T", "externalId": "a"})
        assert refused(answer, 409, 40901)["id"] == 5
        assert faults(keeper.put("/api/suppliers/5", json={"name": "T", "id": 6})) == {"id": 6}

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
        ],
    )
    def test_faults_are_named(self, keeper: FlaskClient, plural: str, sent: dict[str, Any], field: str) -> None:
        assert list(faults(keeper.post(f"/api/{plural}", json=sent))) == [field]


class TestOrders:
    def test_lines_and_parts_that_stay_keep_their_ids(self, clerk: FlaskClient) -> None:
        order = said(clerk.get(ORDER))
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
        new, kept = said(clerk.put(ORDER, json=sent))["flowInfoList"]
        assert kept["id"] == line["id"]
        assert [part["partName"] for part in kept["partList"]] == ["Hood", "Shell"]
        assert kept["partList"][1]["id"] == line["partList"][0]["id"]
        assert new["id"] > line["id"]

    @pytest.mark.parametrize("path", [ORDER, "/api/fabrics/1", "/api/suppliers/1", "/api/products/2"])
    def test_what_was_read_can_be_put_back(self, clerk: FlaskClient, path: str) -> None:
        stored = said(clerk.get(path))
        assert said(clerk.put(path, json=stored)) == stored

    def test_a_line_in_use_is_not_lost(self, clerk: FlaskClient) -> None:
        said(clerk.put("/invoices/1/fabricItems/26/ledgers", json=samples.ASSOCIATION))
        refused(clerk.put(ORDER, json={"name": "x"}), 409, 40900)
        refused(clerk.delete(ORDER), 409, 40900)
        order = said(clerk.get(ORDER))
        order["flowInfoList"][0]["partList"] = []
        del order["createdDate"]
        refused(clerk.put(ORDER, json=order), 409, 40900)
        assert clerk.delete("/api/invoices/1").status_code == 204
        assert clerk.delete(ORDER).status_code == 204

    @pytest.mark.parametrize("path", ["suppliers/1", "fabrics/1", "products/2"])
    def test_what_is_referred_to_stays(self, clerk: FlaskClient, path: str) -> None:
        refused(clerk.delete(f"/api/{path}"), 409, 40900)
        said(clerk.get(f"/api/{path}"))

    def test_ids_of_other_orders_lines_are_not_taken_over(self, clerk: FlaskClient) -> None:
        line = {"id": 1985, "productId": 2, "style": "A6", "color": "Black"}
        refused(clerk.post("/api/orders", json={"name": "O", "flowInfoList": [line]}), 409, 40901)
        assert said(clerk.get(ORDER))["flowInfoList"][0]["id"] == 1985
