"""Master data on pages: list, search, addition, change with lines, deletion, and refusals beside their fields."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from app.grn import demo, masters
from app.grn.masters import Kind
from app.kernel.unit_of_work import unit_of_work
from tests.admin.client import newer_version, submit_form
from tests.admin.conftest import check_page, take_screenshot
from tests.admin.lists.test_list_view import cells

ORDER = {"name": "Autumn jackets", "code": "PO-10", "externalId": "1000", "buyer": "Northwind"}


@pytest.fixture(autouse=True)
def _demo(app: Any) -> None:
    with unit_of_work():
        demo.make_demo()


def stored(kind: Kind, row_id: int) -> Any:
    with unit_of_work():
        return masters.find(kind, row_id)


@pytest.mark.slow
def test_an_order_is_added_changed_and_deleted(signed_in: Callable[..., Page]) -> None:
    page = signed_in("warehouse")
    page.get_by_role("link", name="Master data").click()
    page.get_by_role("link", name="Orders").click()
    page.get_by_role("link", name="New order").click()
    page.get_by_label("Name").fill("Spring coats")
    page.get_by_label("Product *").fill("jkt")
    page.get_by_label("Style *").fill("C1")
    page.get_by_label("Colour *").fill("Navy")
    page.get_by_label("Parts").fill("Shell\nLining")
    page.get_by_role("button", name="Add a line").click()
    page.get_by_label("Style *").nth(1).fill("C2")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".field-error").first).to_have_text("This field may not be blank.")
    expect(page.get_by_label("Style *").nth(1)).to_have_value("C2")
    page.get_by_role("button", name="Remove the line").nth(1).click()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("“Spring coats” is stored.")
    page.get_by_label("Search", exact=True).fill("spring")
    expect(page.locator("#results tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Spring coats").click()
    expect(page.get_by_label("Parts")).to_have_value("Shell\nLining")
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("status").first).to_contain_text("“Spring coats” is deleted.")


def test_the_list_is_sorted_and_exported(signed_in_client: Callable[..., FlaskClient]) -> None:
    client = signed_in_client("warehouse")
    names = sorted(
        product.name
        for product in masters.find_page(masters.PRODUCTS, {"sort": ("id", "asc"), "page": 0, "page_size": 9}).content
    )
    assert cells(client.get("/admin/masters/products").text, "Name") == names
    assert cells(client.get("/admin/masters/products?sort=-name").text, "Name") == names[::-1]
    assert cells(client.get("/admin/masters/fabrics?search=tw-").text, "Colours") == ["2"]
    lines = client.get("/admin/masters/orders?format=csv").text.splitlines()
    assert lines[0] == "\ufeffName,Code,External ID,Buyer,Styles,Created"
    assert lines[1].startswith("Autumn jackets,PO-10,1000,Northwind,1,20")


class TestRequests:
    @pytest.fixture
    def warehouse(self, signed_in_client: Callable[..., FlaskClient]) -> FlaskClient:
        return signed_in_client("warehouse")

    def send(self, client: FlaskClient, path: str, **fields: Any) -> Any:
        page = f"/admin/masters/{path}"
        found = re.search(r'name="version" value="([^"]*)"', client.get(page).text)
        return submit_form(client, page, page=page, **{"version": found[1] if found else "", **fields})

    def lines(self, *lines: tuple[str, str, str, str]) -> dict[str, list[str]]:
        names = ("line_id", "style", "orderQty", "partList")
        columns = {name: [line[place] for line in lines] for place, name in enumerate(names)}
        return {**columns, "product": ["Jacket"] * len(lines), "lineColor": ["Black"] * len(lines)}

    def test_lines_and_parts_keep_their_ids(self, warehouse: FlaskClient) -> None:
        lines = self.lines(("1985", "A7", "1,200.5", "Shell\r\nLining\r\n"), ("", "", "", ""))
        lines["product"][1] = lines["lineColor"][1] = ""
        assert self.send(warehouse, "orders/10", **ORDER, **lines).status_code == 303
        [line] = stored(masters.ORDERS, 10).flow_infos
        assert (line.id, line.style, float(line.order_qty)) == (1985, "A7", 1200.5)
        assert [(part.id, part.part_name) for part in line.parts] == [(121, "Shell"), (122, "Lining")]

    def test_colours_of_a_fabric_are_changed(self, warehouse: FlaskClient) -> None:
        ids = [color.id for color in stored(masters.FABRICS, 1).colors]
        colors = {
            "line_id": ["", ""],
            "color": ["Blue", "Black"],
            "colorCode": ["B", "19"],
            "colorShade": ["Light", ""],
        }
        fields = {"name": "Cotton twill", "code": "TW-145", "externalId": "", "composition": "", "gsm": "181.5"}
        assert self.send(warehouse, "fabrics/1", **fields, **colors).status_code == 303
        fabric = stored(masters.FABRICS, 1)
        assert [(color.id, color.color_code) for color in fabric.colors] == [(ids[0], "B"), (ids[1], "19")]
        assert (float(fabric.gsm), fabric.composition) == (181.5, None)

    @pytest.mark.parametrize(
        ("path", "fields", "message"),
        [
            ("suppliers/new", {"name": ""}, "This field may not be blank."),
            ("suppliers/new", {"name": "Mill", "externalId": "S-1"}, "already carries this id or externalId"),
            ("suppliers/new", {"name": "Mill", "taxScheme": "vkn", "taxId": "1234567891"}, "This is no VKN"),
            (
                "suppliers/new",
                {"name": "Mill", "endpoint": "1"},
                "and its scheme belong together",
            ),
            ("products/new", {"name": "x" * 201}, "200"),
            ("fabrics/new", {"name": "Silk", "gsm": "heavy"}, "A valid number is required."),
        ],
    )
    def test_refusals_keep_what_was_typed(
        self, warehouse: FlaskClient, path: str, fields: dict[str, str], message: str
    ) -> None:
        lines = {name: [] for name in ("line_id", "color", "colorCode", "colorShade")}
        answer = self.send(warehouse, path, **{**fields, **lines})
        assert answer.status_code == 422
        assert message in answer.text
        assert f'value="{fields["name"]}"' in answer.text

    def test_the_legal_facts_of_a_supplier_are_selected_and_kept(self, warehouse: FlaskClient) -> None:
        facts = {"taxId": "1234567890", "taxScheme": "vkn", "city": "Bursa", "country": "TR"}
        assert self.send(warehouse, "suppliers/1", name="Bursa Mill", **facts).status_code == 303
        row = stored(masters.SUPPLIERS, 1)
        assert (row.tax_id, row.tax_scheme, row.city, row.country, row.region) == (*facts.values(), None)
        page = warehouse.get("/admin/masters/suppliers/1").text
        assert '<option value="vkn" selected>' in page
        assert '<option value="TR" selected>' in page

    def test_unknown_products_and_repeated_styles_stand_beside_their_lines(self, warehouse: FlaskClient) -> None:
        lines = self.lines(("1985", "A6", "", ""), ("", "A6", "", ""))
        assert "came before" in self.send(warehouse, "orders/10", **ORDER, **lines).text
        lines["product"][1] = "Hat"
        assert "Nothing has the name or code “Hat”." in self.send(warehouse, "orders/10", **ORDER, **lines).text

    def test_what_somebody_else_changed_is_not_overwritten(self, warehouse: FlaskClient) -> None:
        answer = self.send(warehouse, "products/1", name="Hat", version="old")
        assert answer.status_code == 409
        assert "somebody else changed it" in answer.text
        assert stored(masters.PRODUCTS, 1).name == "Trousers"
        chosen = {"version": "old", "replaces": newer_version(answer)}
        assert self.send(warehouse, "products/1", name="Hat", **chosen).status_code == 303
        assert stored(masters.PRODUCTS, 1).name == "Hat"

    def test_what_others_refer_to_is_not_deleted(self, warehouse: FlaskClient) -> None:
        answer = submit_form(warehouse, "/admin/masters/fabrics/1/delete", page="/admin/masters/fabrics/1")
        assert answer.headers["Location"].endswith("/admin/masters/fabrics/1")
        assert "Others still refer to it" in warehouse.get("/admin/masters/fabrics/1").text

    def test_the_balance_of_a_fabric_is_shown(self, warehouse: FlaskClient) -> None:
        assert "210.8 m" in warehouse.get("/admin/masters/fabrics/1").text

    def test_who_only_reads_sees_no_buttons(self, signed_in_client: Callable[..., FlaskClient]) -> None:
        billing = signed_in_client("billing")
        assert "New supplier" not in billing.get("/admin/masters").text
        page = billing.get("/admin/masters/orders/10").text
        assert "<fieldset disabled>" in page
        assert "Add a line" not in page
        assert billing.get("/admin/masters/orders/new").status_code == 403


@pytest.mark.drill
def test_pages_are_accessible(signed_in: Callable[..., Page]) -> None:
    check_page(signed_in, "masters-list", lambda page: page.goto("/admin/masters/orders"))
    check_page(signed_in, "masters-supplier", lambda page: page.goto("/admin/masters/suppliers/1"))
    check_page(signed_in, "masters-order", lambda page: page.goto("/admin/masters/orders/10"))
    turkish = signed_in(language="tr")
    turkish.set_viewport_size({"width": 1024, "height": 900})
    turkish.goto("/admin/masters/fabrics/1")
    take_screenshot(turkish, "masters-fabric-turkish-1024")
