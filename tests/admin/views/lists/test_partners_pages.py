"""Pages of customers, salesmen and series of numbers."""

from __future__ import annotations

from collections.abc import Callable

from flask.testing import FlaskClient
from sqlalchemy import text

from app.accounts.models.accounts import User
from app.extensions import db
from app.kernel.unit_of_work import unit_of_work
from tests.admin import sample_data
from tests.admin.lists.test_list_view import cells


def test_customers_with_their_invoices_and_what_is_not_delivered(admin_client: FlaskClient) -> None:
    for code, name in (("C-1", "Şahin Eczanesi"), ("C-2", "Asha"), ("C-1", "Şahin Eczanesi")):
        number = sample_data.import_invoice(customer={"code": code, "name": name}, salesman="Ömer")
    with unit_of_work():
        db.session.execute(
            text(
                "UPDATE sales_invoices SET status = 'DELIVERED', delivery_type = 'DIRECT', dispatched_at = now(), "
                "delivered_at = now() WHERE invoice_no = :number"
            ),
            {"number": number},
        )
    page = admin_client.get("/admin/sales/customers").text
    assert cells(page, "Name") == ["Asha", "Şahin Eczanesi"]
    assert cells(page, "Invoices") == ["1", "2"]
    assert cells(page, "Not delivered") == ["1", "1"]
    assert cells(page, "Amount not delivered") == ["920.00", "920.00"]
    assert cells(admin_client.get("/admin/sales/customers?search=sahin").text, "Code") == ["C-1"]
    assert len(cells(admin_client.get("/admin/sales?customer=C-1").text, "Number")) == 2
    salesmen = admin_client.get("/admin/sales/salesmen?search=omer").text
    assert cells(salesmen, "Name") == ["Ömer"]
    assert cells(salesmen, "Invoices") == ["3"]
    assert cells(salesmen, "Not delivered") == ["2"]


def test_gaps_of_a_series_of_sales_invoices(admin_client: FlaskClient) -> None:
    for number in (1, 2, 5):
        sample_data.import_invoice(invoice_no=f"A-{number}")
    sample_data.import_invoice(invoice_no="77")
    page = admin_client.get("/admin/sales/gaps").text
    assert 'href="/admin/sales/gaps?prefix=A-"' in page
    assert "digits only" in page
    page = admin_client.get("/admin/sales/gaps?prefix=A-").text
    assert "A-3" in page
    assert "A-4" in page
    assert "No gaps" in admin_client.get("/admin/sales/gaps?prefix=").text
    assert "first:" in admin_client.get("/admin/sales/gaps?prefix=A-&first=x").text


def test_series_of_e_invoices_name_cancelled_and_missing_numbers(
    signed_in_client: Callable[..., FlaskClient], create_user: Callable[..., User]
) -> None:
    owner = sample_data.enable_module(create_user("billing"))
    issued = [sample_data.issue_einvoice(owner) for _ in range(3)]
    with unit_of_work():
        sample_data.issue.cancel(issued[0].id, "x", owner.id, "test")
        db.session.execute(text("UPDATE e_invoice_series SET last_number = 5"))
    page = signed_in_client(owner).get("/admin/einvoices/series").text
    assert '<span class="badge bad">2</span>' in page
    assert "4–5" in page
    assert "status=cancelled" in page
