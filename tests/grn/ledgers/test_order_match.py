"""Match of associations to flow lines and parts, and the check of the extra fabric."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.grn import samples
from tests.grn.helpers import json_body, rejected_fields

LEDGERS = "/api/invoices/1/fabric-items/26/ledgers"
[ASSOCIATION] = samples.ASSOCIATION


def _rows(clerk: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json_body(clerk.get(f"{LEDGERS}?pageSize=100&{query}"))["content"]
    return content


class TestMatch:
    def test_missing_extra_fabric_is_computed(self, clerk: FlaskClient) -> None:
        sent = {name: value for name, value in ASSOCIATION.items() if name != "extraFabricRequired"}
        json_body(clerk.put(LEDGERS, json=[{**sent, "fabricRequired": 33.3, "extra": 2.5}]))
        assert _rows(clerk)[0]["extraFabricRequired"] == 34.1325

    @pytest.mark.parametrize(("sent", "accepted"), [(1260.01, True), (1259.99, True), (1260.02, False), (0, False)])
    def test_extra_fabric_outside_the_tolerance_is_refused(
        self, clerk: FlaskClient, sent: float, accepted: bool
    ) -> None:
        answer = clerk.put(LEDGERS, json=[{**ASSOCIATION, "extraFabricRequired": sent}])
        if accepted:
            json_body(answer)
        else:
            assert rejected_fields(answer) == {"[0].extraFabricRequired": sent}

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
    def test_the_first_wrong_field_is_named_and_nothing_changes(
        self, clerk: FlaskClient, facts: dict[str, Any], field: str
    ) -> None:
        before = json_body(clerk.put(LEDGERS, json=samples.ASSOCIATION))
        wrong = {**ASSOCIATION, **facts}
        assert rejected_fields(clerk.put(LEDGERS, json=[ASSOCIATION, wrong])) == {f"[1].{field}": wrong[field]}
        assert [row["id"] for row in _rows(clerk)] == [row["id"] for row in before]

    def test_style_color_selects_the_line_and_color_is_stored_as_sent(self, clerk: FlaskClient) -> None:
        [row] = json_body(clerk.put(LEDGERS, json=[{**ASSOCIATION, "color": "Blue"}]))
        assert (row["flowInfoId"], row["color"]) == (1985, "Blue")
        [row] = json_body(clerk.put(LEDGERS, json=[{**ASSOCIATION, "color": None, "partName": None, "part": None}]))
        assert (row["color"], "partId" in row) == ("Black", False)
