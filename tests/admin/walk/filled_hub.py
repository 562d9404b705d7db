"""Data for the walk: many rows, long names and large amounts; and the faults that a program sees on a page."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from sqlalchemy import text

from app.accounts import modules
from app.accounts.credentials import api_keys
from app.accounts.models.accounts import User
from app.einvoices.lifecycle import issue
from app.einvoices.pdf import print_job
from app.extensions import db
from app.kernel import clock
from app.kernel.unit_of_work import unit_of_work
from app.operations.monitoring import failed_tasks, queue_drain
from tests.admin import sample_data
from tests.factories import a_fabric_item, a_token, a_user, an_item

#: Widths and heights of a desktop, a tablet and a phone.
SIZES = {1440: 900, 1024: 768, 390: 844}
LONG_NAME = "Çağrı Şimşek-Yılmazoğlu Uluslararası Ecza Deposu ve Tıbbi Malzeme Sanayi Ticaret A. Ş."
CUSTOMERS = ("Şahin Eczanesi", "City Care Pharmacy and Surgical Supplies", LONG_NAME, "Grace Medicals", "Öztürk Sağlık")


def faults_in(page: Page, english: list[str] | None = None) -> list[str]:
    """What is too wide, cut, wrapped, too small or overlapping, and which ``english`` texts stand on the page."""
    faults: list[str] = page.evaluate(Path(__file__).with_name("page_checks.js").read_text("utf-8"), english)
    return faults


def fill(user: User) -> None:
    """Store everything that the pages show, for an administrator who is a seller too."""
    for module in ("feature.einvoice_api", "feature.einvoice_webhooks"):
        sample_data.enable_module(user, module)
    _sales()
    _receipts()
    _einvoices(user)
    _settings(user)


def _items(number: int) -> list[dict[str, Any]]:
    many = [an_item(name=f"Item {position} of a long invoice", mrp=1234.5) for position in range(number % 4 * 3)]
    return [
        an_item(name="Paracetamol 650 mg, strip of 15", batch_no="B123", quantity=20, mrp=3.5),
        an_item(name="Otrivin Nasal Spray", batch_no="LOT-2026-000123456", quantity=9_999_999, mrp=9_999.99),
        *many,
    ]


def _sales() -> None:
    for number in range(70):
        sample_data.import_invoice(
            invoice_no=f"LTPI-{77282 + number}" if number % 9 else f"ISTANBUL/EXPORT/2026-2027/{number:020}",
            priority=("HIGH", "MEDIUM", "LOW")[number % 3],
            salesman=("Ajay", "Mehmet Çelik", "Krishnamurthy Venkataraman Subramanian")[number % 3],
            customer={"code": f"C{number % 5}", "name": CUSTOMERS[number % 5]},
            items=_items(number),
        )
    for number in range(12):
        reason = "The box holds batch B456 with expiry 03/2027, the invoice says B123; two strips are damaged."
        sample_data.return_invoice(
            reason if number % 2 else "Wrong price",
            sender=f"Asha {number}",
            customer={"code": f"C{number % 5}", "name": CUSTOMERS[number % 5]},
            items=_items(number),
        )


def _receipts() -> None:
    for number in range(28):
        rolls = [100 + 0.25 * roll for roll in range(60 if number == 27 else 3)]
        receipt = sample_data.receive_goods(*rolls, invoiceNo=f"BURSA-{number}" if number % 5 else f"S/{number:028}")
        if number % 2:
            with unit_of_work():
                _inspect(receipt.id)
    measure = a_fabric_item(50, 60, uomLength="kilogram", color="Gece mavisi, şardonlu ve çok uzun bir renk adı")
    sample_data.receive_goods(fabricItemList=[measure, a_fabric_item(1), a_fabric_item()])


def _inspect(receipt_id: int) -> None:
    db.session.execute(
        text(
            "UPDATE supplier_rolls SET inspected_at = now(), inspected_length = supplier_length - 1, shade = 'A' "
            "WHERE fabric_item_id IN (SELECT id FROM fabric_items WHERE receipt_id = :receipt) AND position % 2 = 0"
        ),
        {"receipt": receipt_id},
    )


def _einvoices(user: User) -> None:
    sample_data.make_seller(user)
    large = {"sku": "TSH-" + "9" * 40, "name": LONG_NAME, "quantity": 99_999, "unit_price": 99_999.99, "vat_rate": 20}
    for number in range(30):
        issued = sample_data.issue_einvoice(user, buyer={"name": CUSTOMERS[number % 5]})
        if number % 7 == 3:
            with unit_of_work():
                issue.send(issued.id, user.id, f"user:{user.id}")
    print_job.print_due()
    for number in range(5):
        sample_data.create_draft(user, buyer={"name": CUSTOMERS[number]}, items=[large] * (1 + 7 * (number == 4)))
    states = "ARRAY['issued', 'rejected', 'accepted', 'sent', 'cancelled', 'issued']"
    with db.engine.begin() as connection:
        connection.execute(
            text(f"UPDATE e_invoices SET status = ({states})[1 + id % 6] WHERE status = 'issued' AND id % 7 < 5")
        )
    sample_data.spread_over_week("e_invoices")


def _settings(user: User) -> None:
    with unit_of_work():
        other = a_user(role="admin", name=LONG_NAME[:60], email="cagri.simsek-yilmazoglu.uzun@ecza-deposu.example")
        a_user(role="integrator", name="Web shop", is_active=False)
        modules.enable(other, "feature.einvoice_api", actor="test")
        near = {"starts_at": clock.now() - timedelta(days=360), "ends_at": clock.now() + timedelta(days=5)}
        modules.set_period(user, "feature.einvoice_webhooks", **near, actor="test")
        a_token(user, name="Accountant of the head office", days=30, allowlist=["127.0.0.0/8", "192.0.2.7"])
        for number in range(4):
            a_token(user, name=f"Old web shop {number}")
        api_keys.create(name="ERP of the head office", actor="test", allowlist=["10.1.0.0/16", "2001:db8::/32"])
        api_keys.create(name="ERP of the warehouse", actor="test", lifetime=timedelta(days=20))
        failed_tasks.record(
            task_id="6f2c1c1e", task="operations.canary", arguments=["pdf"], worker="worker@hub1", request_id=None,
            error="ConnectionError: the connection was closed while the answer was read, three times",
        )  # fmt: skip
        queue_drain.drain("retries", actor=f"user:{user.id}")
    sample_data.open_account(user, "Main provider of the company with a long name")
