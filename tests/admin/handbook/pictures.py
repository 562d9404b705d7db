"""Takes the pictures of the handbook and of ``docs``: ``pytest tests/admin/handbook/pictures.py -m drill`` writes them.

The tests do not run it: its name does not begin with ``test_``.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from PIL import Image
from playwright.sync_api import Page

from app.accounts.models.accounts import User
from app.admin.assets import FOLDER
from app.celery_config import CANARY_SECONDS
from app.einvoices.models.einvoices import Einvoice
from app.einvoices.pdf import print_job
from app.kernel.unit_of_work import unit_of_work
from app.kernel.worker.heartbeat import Heartbeat
from app.languages import LANGUAGES
from app.operations.tasks import canary
from app.pdf import files
from app.processes import PROCESSES
from tests.admin import sample_data
from tests.admin.conftest import DESKTOP, sign_in
from tests.factories import a_token, an_item

pytestmark = pytest.mark.drill

DOCUMENTS = Path(__file__).resolve().parents[3] / "docs" / "images"
CUSTOMERS = ("Şahin Eczanesi", "LifeCare Pharmacy", "Güneş Ecza Deposu", "Grace Medicals", "Öztürk Sağlık")
#: Few colours make a small file; the pages have few.
COLOURS = 96
BESIDE_THE_MENU: Any = {"x": 248, "y": 0, "width": DESKTOP["width"] - 248, "height": 700}


@pytest.fixture(params=LANGUAGES)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def seller(create_user: Callable[..., User]) -> User:
    """A user with sales invoices, a review, a goods receipt and e-invoices."""
    user = create_user("admin", name="Ayşe Demir")
    sample_data.enable_module(user)
    items = [
        an_item(name="Paracetamol 650mg", item_code="PR650", batch_no="B1", quantity=20, mrp=3.5),
        an_item(name="Amoxicillin 500mg", item_code="AMX500", batch_no="C77", quantity=10, mrp=7.25),
    ]
    for number in range(14):
        sample_data.import_invoice(
            invoice_no=f"LTPI-{77282 + number}",
            priority=("HIGH", "MEDIUM")[number % 2],
            customer={"code": f"C{number % 5}", "name": CUSTOMERS[number % 5]},
            items=items[: 1 + number % 2],
        )
    sample_data.return_invoice("Batch on the box is B456", items=items, customer={"code": "C1", "name": CUSTOMERS[0]})
    return user


@pytest.fixture
def pages(open_page: Callable[..., Page], seller: User) -> Callable[[str], Page]:
    """Open a page in a language, signed in as the seller."""
    return lambda language: sign_in(open_page(language=language), seller)


def save(page: Page, language: str, name: str) -> None:
    """Write the visible part of the page, without the menu, for the handbook."""
    write(page, Path(FOLDER, "handbook", language), name, clip=BESIDE_THE_MENU)


def write(page: Page, folder: Path, name: str, **options: Any) -> None:
    """Write what is visible of the page."""
    page.wait_for_timeout(400)
    shown = Image.open(io.BytesIO(page.screenshot(**options))).convert("RGB")
    folder.mkdir(parents=True, exist_ok=True)
    shown.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / f"{name}.png", optimize=True)


def show_pdf(page: Page, einvoice: Einvoice) -> None:
    """Let the frame of a PDF show its first page as a picture: the browser of the tests shows no PDF."""
    content = files.read(print_job.stored_pdf(einvoice.id, None).path)
    picture = io.BytesIO()
    pypdfium2.PdfDocument(content)[0].render().to_pil().save(picture, "png")
    image = f"<img alt='' style='width: 100%' src='data:image/png;base64,{b64encode(picture.getvalue()).decode()}'>"
    frame = f"<!doctype html><body style='margin: 0'>{image}</body>"
    page.route("**/pdf", lambda route: route.fulfill(content_type="text/html", body=frame))


def run_everything() -> None:
    """Let every process look as in a running hub."""
    for process in PROCESSES:
        if process.name != "flower":
            Heartbeat(process.name, f"{process.name}@hub1").note([str(queue) for queue in process.queues])
    for queue in CANARY_SECONDS:
        canary.apply(args=[queue])


def test_sales_and_overview(pages: Callable[[str], Page], language: str, seller: User) -> None:
    page = pages(language)
    page.goto("/admin")
    save(page, language, "overview")
    page.goto("/admin/sales/queue/picking")
    save(page, language, "sales")
    page.goto("/admin/sales/review")
    page.locator("tbody tr a").first.click()
    save(page, language, "review-desk")
    run_everything()
    page.goto("/admin/operations")
    save(page, language, "operations")


def test_goods(pages: Callable[[str], Page], language: str, seller: User) -> None:
    receipt = sample_data.receive_goods(*(100 + 0.5 * number for number in range(12)))
    page = pages(language)
    item = f"/admin/receipts/{receipt.id}/items/{receipt.fabric_items[0].id}"
    page.goto(item)
    save(page, language, "fabric-item")
    page.goto(f"{item}/inspection")
    save(page, language, "inspection")


def test_einvoice_and_tokens(pages: Callable[[str], Page], language: str, seller: User) -> None:
    einvoice = sample_data.issue_einvoice(seller)
    print_job.print_due()
    with unit_of_work():
        for name, abilities in (("ERP", ["sales:import"]), ("Web shop", ["einvoices:read", "events:read"])):
            a_token(seller, name=name, abilities=abilities)
    page = pages(language)
    show_pdf(page, einvoice)
    page.goto(f"/admin/einvoices/{einvoice.id}")
    save(page, language, "e-invoice")
    page.goto("/admin/settings/api")
    save(page, language, "tokens")


def test_documents_of_sales(
    open_page: Callable[..., Page], pages: Callable[[str], Page], seller: User, relayed: Callable[[], int]
) -> None:
    sample_data.spread_over_week("sales_invoices")
    relayed()
    page = pages("en")
    page.goto("/admin")
    page.locator(".feed li").first.wait_for()
    write(page, DOCUMENTS, "overview")
    page.goto("/admin/sales/review")
    page.locator("tbody tr a").first.click()
    page.get_by_role("button", name="Save and next").wait_for()
    write(page, DOCUMENTS, "review-desk")
    page.set_viewport_size({"width": DESKTOP["width"], "height": 1600})
    page.goto("/docs")
    page.locator(".opblock-tag").first.wait_for()
    write(page, DOCUMENTS, "reference")
    phone = sign_in(open_page(phone=True), seller)
    phone.goto("/admin/sales/queue/picking")
    phone.locator("tbody tr a").first.click()
    phone.get_by_role("button", name="Start picking").wait_for()
    write(phone, DOCUMENTS, "sales-phone")


def test_documents_of_einvoices_and_tokens(pages: Callable[[str], Page], seller: User) -> None:
    einvoice = sample_data.issue_einvoice(seller)
    print_job.print_due()
    with unit_of_work():
        for name, abilities in (("ERP", ["sales:import"]), ("Web shop", ["einvoices:read", "events:read"])):
            a_token(seller, name=name, abilities=abilities)
    page = pages("en")
    show_pdf(page, einvoice)
    page.goto(f"/admin/einvoices/{einvoice.id}")
    write(page, DOCUMENTS, "einvoice")
    page.goto("/admin/settings/api")
    write(page, DOCUMENTS, "tokens")
